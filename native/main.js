// The native action. Takes the program that was released with this commit for the runner's system, checks it against the
// SHA-256 in binaries.json beside this file, keeps it in the runner's tool cache, and runs it in place of this process with
// the same environment, streams and exit status. Needs nothing but Node.js, and sends no input of the step anywhere.
'use strict';
const [fs, http, https, os, path, tls] = ['fs', 'http', 'https', 'os', 'path', 'tls'].map((name) => require(name));
const [{ createHash, randomBytes }, { spawn }] = [require('crypto'), require('child_process')];
const { version, release, sha256 } = require('./binaries.json');

const DOCS = 'https://github.com/OWNER/repo-relay/blob/main/docs/install.md';
const CPUS = { x64: 'x86_64', arm64: 'aarch64' };
const SYSTEMS = { linux: 'unknown-linux-gnu', darwin: 'apple-darwin', win32: 'pc-windows-msvc.exe' };
const SILENCE = 30000; // milliseconds after which a silent connection is given up
const LIMIT = 256 << 20; // bytes of a program
const { env } = process;
// `cause` is the output `error`; a `passing` failure is worth another attempt.
const failure = (cause, message, passing) => Object.assign(new Error(message), { cause, passing });
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

// The proxy for an https address, as curl chooses it. Plain http, to a mirror inside a network, takes none.
function proxyFor(url) {
  const variable = (name) => env[name.toLowerCase()] || env[name] || '';
  const exempt = variable('NO_PROXY').toLowerCase().split(/[\s,]+/).map((entry) => entry.replace(/^\*?\./, '').replace(/:\d+$/, ''));
  const direct = exempt.some((name) => name === '*' || (name && `.${url.hostname}`.endsWith(`.${name}`)));
  const value = variable('HTTPS_PROXY');
  if (url.protocol !== 'https:' || direct || !value) return null;
  try {
    const proxy = new URL(value.includes('://') ? value : `http://${value}`);
    const login = [proxy.username, proxy.password].map(decodeURIComponent).join(':');
    if (/^https?:$/.test(proxy.protocol)) return { url: new URL(`${proxy.protocol}//${proxy.host}`), login };
  } catch (_) {} // The value may hold a password: it is not quoted.
  throw failure('invalid-input', 'HTTPS_PROXY is not the address of a proxy. Write http://[user:password@]host:port.');
}

// Sends a request; its answer, and after CONNECT the connection.
const send = (url, options) => new Promise((resolve, reject) => {
  const request = (url.protocol === 'https:' ? https : http).request(url, { agent: false, timeout: SILENCE, ...options });
  request.on('error', (error) => reject(failure('connection-failed', `${url.host}: ${error.message}`, true)));
  request.on('timeout', () => request.destroy(new Error(`no data for ${SILENCE / 1000} s`)));
  request.on('connect', (answer, socket) => resolve({ answer, socket })).on('response', (answer) => resolve({ answer })).end();
});

// A connection to the address's host through the proxy.
async function tunnel(proxy, url) {
  const headers = { Host: `${url.hostname}:${url.port || 443}` };
  if (proxy.login !== ':') headers['Proxy-Authorization'] = `Basic ${Buffer.from(proxy.login).toString('base64')}`;
  const { answer: { statusCode }, socket } = await send(proxy.url, { method: 'CONNECT', path: headers.Host, headers });
  if (statusCode === 200) return socket;
  socket.destroy();
  const wanted = proxy.login !== ':' ? 'rejected the user and password' : 'requires a user and a password';
  const hint = [401, 407].includes(statusCode) ? ` and ${wanted}. Write HTTPS_PROXY as http://user:password@host:port` : '';
  throw failure('connection-failed', `the proxy ${proxy.url.host} answered HTTP ${statusCode}${hint}`, statusCode >= 500);
}

// The content at an address.
async function get(url, redirects = 5) {
  const ca = env['INPUT_CA-CERTIFICATE'] ? [...tls.rootCertificates, env['INPUT_CA-CERTIFICATE']] : undefined;
  const proxy = proxyFor(url);
  const socket = proxy && (await tunnel(proxy, url));
  const through = socket && { agent: undefined, createConnection: () => tls.connect({ socket, ca, servername: url.hostname }) };
  const { answer, answer: { statusCode, headers } } = await send(url, { ca, headers: { 'User-Agent': 'repo-relay' }, ...through });
  const refusal = (what, passing) => answer.destroy() && failure('connection-failed', `${url.origin}${url.pathname} ${what}`, passing);
  const next = statusCode >= 300 && statusCode < 400 && headers.location && new URL(headers.location, url);
  if (next && (!redirects || !['https:', url.protocol].includes(next.protocol))) throw refusal('redirects too often, or away from https');
  if (next) return answer.destroy() && get(next, redirects - 1);
  if (statusCode !== 200) throw refusal(`answered HTTP ${statusCode}`, statusCode >= 500 || statusCode === 429);
  if (/^text\/html/.test(headers['content-type'])) throw refusal('answered a web page, such as one to sign in');
  let [chunks, length] = [[], 0];
  try {
    for await (const chunk of answer) if (chunks.push(chunk) && (length += chunk.length) > LIMIT) throw refusal(`is over ${LIMIT} bytes`);
  } catch (error) {
    throw error.cause ? error : refusal(`ended after ${length} of ${headers['content-length'] || 'more'} bytes`, true);
  }
  return Buffer.concat(chunks);
}

// The released program, from the first place that has it. On an Enterprise Server the action may be a copy that is kept there
// with its releases, or come from github.com.
async function download(name) {
  const { GITHUB_SERVER_URL: server, GITHUB_ACTION_REPOSITORY: action, REPO_RELAY_BINARIES: mirror } = env;
  const copy = server && action && !release.startsWith(`${server}/`) ? [`${server}/${action}/releases/download/v${version}`] : [];
  let failures = [];
  for (const pause of [0, 500, 2000]) { // milliseconds
    await new Promise((resolve) => setTimeout(resolve, pause));
    failures = [];
    for (const place of (mirror ? [mirror] : [...copy, release]).map((place) => `${place.replace(/[\\/]+$/, '')}/${name}`)) {
      try {
        const bytes = /^[a-z]+:\/\//i.test(place) ? await get(new URL(place)) : fs.readFileSync(place);
        if (digest(bytes) === sha256[name]) return bytes;
        throw failure('internal-error', `The ${name} that was downloaded is not the released one: its SHA-256 is ${digest(bytes)}, not ${sha256[name]}. Nothing was started. A proxy or a mirror (REPO_RELAY_BINARIES) changed it, or holds another version.`);
      } catch (error) {
        if (error.cause && error.cause !== 'connection-failed') throw error;
        failures.push(error);
      }
    }
    if (!failures.some(({ passing }) => passing)) break;
  }
  throw failure('connection-failed', `Could not get ${name} of repo-relay ${version}: ${failures.map(({ message }) => message).join('; ')}. Check the runner's network, proxy and firewall, or set REPO_RELAY_BINARIES to a folder or an address with the files of that release: ${DOCS}`);
}

// Writes a program whole or not at all; its path.
function write(bytes, folder, name) {
  const part = path.join(folder, randomBytes(8).toString('hex'));
  fs.mkdirSync(folder, { recursive: true, mode: 0o755 });
  try {
    fs.writeFileSync(part, bytes, { mode: 0o755, flag: 'wx' });
    fs.renameSync(part, path.join(folder, name));
  } finally {
    fs.rmSync(part, { force: true });
  }
  return path.join(folder, name);
}

// The path of the program, which is the released one and which no other user can change.
async function program() {
  if (parseInt(process.versions.node, 10) < 18) throw failure('invalid-input', `Node.js ${process.versions.node} is too old: this action needs 18 or later. Update the runner.`);
  const name = `repo-relay-${CPUS[process.arch]}-${SYSTEMS[process.platform]}`;
  const wanted = sha256[name];
  if (!version) throw failure('invalid-input', 'This commit of the action has no released programs. Use a release: OWNER/repo-relay/native@v1.');
  if (!wanted) throw failure('invalid-input', `There is no program for ${process.platform} on ${process.arch}, only ${Object.keys(sha256).join(', ')}. Choose another runner, or build the program: ${DOCS}`);
  const scratch = () => fs.mkdtempSync(path.join(env.RUNNER_TEMP || os.tmpdir(), 'repo-relay-'));
  // A fork has versions of the same name: the checksum is a part of the path.
  const cache = path.join(env.RUNNER_TOOL_CACHE || scratch(), 'repo-relay', `${version}-${wanted.slice(0, 12)}`, process.arch);
  const cached = path.join(cache, name);
  const bytes = fs.existsSync(cached) ? fs.readFileSync(cached) : await download(name);
  if (digest(bytes) !== wanted) throw failure('internal-error', `${cached} is not the released program: its SHA-256 is ${digest(bytes)}, not ${wanted}. Nothing was started. Something else wrote it into the tool cache: delete it, and run the job again.`);
  const ours = ({ uid, mode }) => !process.getuid || ([0, process.getuid()].includes(uid) && !(mode & 0o022));
  try {
    if (!fs.existsSync(cached)) write(bytes, cache, name);
    if ([cached, cache].every((item) => ours(fs.statSync(item)))) return cached;
  } catch (_) {} // A tool cache that cannot be written to; one of another user could change after this check.
  return write(bytes, scratch(), name);
}

// Runs the program in place of this process.
function run(file) {
  // A console of Windows hands its signals to the program too; to pass one on would end it at once.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => process.platform === 'win32' || child.kill(signal));
  const child = spawn(file, process.argv.slice(2), { stdio: 'inherit', windowsHide: true });
  child.on('error', ({ message }) => report(failure('internal-error', `Could not start ${file}: ${message}. If its folder is mounted with noexec, give the runner another tool cache (AGENT_TOOLSDIRECTORY).`)));
  child.on('exit', (code, signal) => (process.exitCode = code === null ? 128 + os.constants.signals[signal] : code));
}

function report({ message, cause = 'internal-error' }) {
  const line = message.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
  if (env.GITHUB_OUTPUT) fs.appendFileSync(env.GITHUB_OUTPUT, `error=${cause}\n`);
  process.stdout.write(`::error title=${cause}::${line}\n`, () => process.exit(1));
}

program().then(run).catch(report);
