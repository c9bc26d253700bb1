//! One step from its arguments to its exit status: read, plan, relay, report. The report is written in every case.

mod confirm;
mod panics;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io::{self, IsTerminal as _, Read as _, Write as _},
    num::NonZero,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::{Builder, Runtime};

use self::confirm::confirm;
use crate::{
    cli::{self, Explain, Invocation, RelayRequest},
    context::{Context, Environment},
    credential::Redactor,
    diagnosis::{Cause, Failure, Stage},
    explain,
    fanout::relay_all,
    git::{checkout, objects},
    http::{Settings, Trust, Waits},
    inputs::{Behaviour, Inputs, Raw},
    mint::Tokens,
    pending_write::PendingWrite,
    plan::Plan,
    progress::NoWatch,
    report::{self, Console, Destinations, Report, logging, write_all},
    retry::Retries,
    revoke::Revocation,
    system,
};

/// The stack of each thread in bytes: the usual one.
const STACK: usize = 2 * 1024 * 1024;

/// How long threads that still read files may hold up the end.
const GRACE: Duration = Duration::from_millis(200);

/// Does what the arguments (without the program's name) and the environment ask for.
pub fn run(arguments: Vec<OsString>, environment: Environment, current_dir: PathBuf) -> ExitCode {
    run_tuned(arguments, environment, current_dir, |_, _| {})
}

/// As [`run`], with the network and the pauses as `tune` sets them.
pub fn run_tuned(
    arguments: Vec<OsString>,
    environment: Environment,
    current_dir: PathBuf,
    tune: impl FnOnce(&mut Settings, &mut Retries),
) -> ExitCode {
    system::keep_memory_private();
    system::hold_many_files();
    system::choose_temporary_folder();
    let context = Context::read(&environment, current_dir);
    let json = cli::asks_for_json(&arguments);
    // Only arguments are refused here: without any, as on a runner, no second copy of the secrets is made.
    let beside = if arguments.is_empty() { Environment::default() } else { environment.clone() };
    let failure = match cli::parse(arguments, environment, &mut cli::read_secret_file) {
        Ok(Invocation::Help(text) | Invocation::Version(text) | Invocation::Completions(text)) => return print(&text),
        Ok(Invocation::Relay(request)) => return step(request, context, tune),
        Ok(Invocation::Explain(asked)) => match explained(&asked) {
            Ok(text) => return print(&text),
            Err(failure) => failure,
        },
        Err(failure) => failure,
    };
    let console = console(&context, json);
    console.masks(Raw::from_environment(beside).secrets().map(|(_, secret)| secret));
    finish(&Report::failed(Stage::Inputs, &failure), &context, &console, json)
}

/// The streams of a step; with `json` standard output is left to the report.
fn console(context: &Context, json: bool) -> Console {
    let redactor = Redactor::default();
    if json {
        Console::on_standard_error(context.on_runner, context.debug, redactor)
    } else {
        Console::standard(context.on_runner, context.debug, redactor)
    }
}

/// The answer of `explain`: prose on a terminal, else one line of JSON.
fn explained(asked: &Explain) -> Result<String, Failure> {
    let mut text = Vec::new();
    if let Some(file) = &asked.file {
        text = std::fs::read(file).map_err(|error| {
            Failure::new(Cause::InvalidInput, format!("`explain` cannot read {} ({error}).", file.display()))
                .with_remedy("Name a file that holds the failure's text, or pipe the text into `repo-relay explain`.")
        })?;
    } else {
        if io::stdin().is_terminal() {
            let hint = "Waiting for the failure's text: paste it, then press Ctrl-D on an empty line.\n";
            // A terminal that is gone needs no hint.
            let _ = io::stderr().lock().write_all(hint.as_bytes());
        }
        // What cannot be read is not there to be explained.
        let _ = io::stdin().lock().read_to_end(&mut text);
    }
    let text = String::from_utf8_lossy(&text);
    Ok(if asked.json || !io::stdout().is_terminal() {
        format!("{}\n", explain::run(&asked.options, &text))
    } else {
        explain::prose(&asked.options, &text)
    })
}

fn print(text: &str) -> ExitCode {
    match write_out(text) {
        // A reader that went away needs no text.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

/// Writes `text` to standard output; an error is told on standard error, unless nobody reads any more.
fn write_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = written.as_ref()
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        // Where standard error is gone too, the exit status tells it.
        let _ = writeln!(io::stderr(), "Standard output could not be written: {error}.");
    }
    written
}

/// Reads the inputs and relays; the answer is the exit status.
fn step(request: RelayRequest, mut context: Context, tune: impl FnOnce(&mut Settings, &mut Retries)) -> ExitCode {
    start_workers();
    let RelayRequest { raw, json, yes } = request;
    let console = console(&context, json);
    console.masks(raw.secrets().map(|(_, secret)| secret));
    logging::install(&console, u8::from(context.debug));
    let tokens = Tokens::default();
    panics::report(&context, &console, json, &tokens);
    let inputs = read_inputs(raw, yes, &mut context);
    let report = match inputs {
        Ok(inputs) => {
            inputs.notices.iter().for_each(|notice| console.notice(None, notice));
            inputs.warnings.iter().for_each(|warning| console.warning(None, warning));
            relayed(inputs, &context, &console, &tokens, tune)
        }
        Err(failure) => Report::failed(Stage::Inputs, &failure),
    };
    objects::remove_leftovers();
    finish(&report, &context, &console, json)
}

/// The inputs. On a laptop `origin` names the repository where nobody did, and a person is asked before it is written to.
fn read_inputs(raw: Raw, yes: bool, context: &mut Context) -> Result<Inputs, Failure> {
    if raw.names_repository() || context.on_runner {
        return Inputs::read(&raw, context);
    }
    let runtime = runtime()?;
    if context.repository.is_none() {
        let (timeout, workspace) = (Inputs::budget(&raw), context.workspace.clone());
        let read = in_time("read the remote `origin`", Some(timeout), move || checkout::origin(&workspace));
        let origin = runtime.block_on(read);
        context.origin = match origin {
            Ok(origin) => origin,
            Err(failure) => {
                runtime.shutdown_timeout(GRACE);
                return Err(failure);
            }
        };
    }
    let inputs = Inputs::read(&raw, context)?;
    // A secret stays in memory no longer than its use: what is left of it is what the redactor looks for.
    drop(raw);
    if yes {
        return Ok(inputs);
    }
    let context = context.clone();
    let asked =
        runtime.block_on(in_time("waited for the answer", None, move || confirm(&inputs, &context).map(|()| inputs)));
    // Nobody may ever type the line that a thread still waits for.
    runtime.shutdown_timeout(GRACE);
    asked?
}

/// Relays as the inputs say. Whatever ends it early, the report says how far it came. `tune` may set the network and the
/// pauses otherwise than they are for a user.
pub fn relayed(
    inputs: Inputs,
    context: &Context,
    console: &Console,
    tokens: &Tokens,
    tune: impl FnOnce(&mut Settings, &mut Retries),
) -> Report {
    let begun = Instant::now();
    let Behaviour { attempts, timeout, dry_run, .. } = inputs.behaviour;
    let inputs = Arc::new(inputs);
    let (mut settings, runtime) =
        match settings(&inputs, context, console.redactor()).and_then(|settings| Ok((settings, runtime()?))) {
            Ok(prepared) => prepared,
            Err(failure) => return Report::failed(Stage::Inputs, &failure),
        };
    let servers = inputs.targets.list.iter().flat_map(|target| [target.server.url(), target.api.url()]);
    let proxies: BTreeSet<String> = servers.filter_map(|server| settings.proxies.on_the_way_to(server)).collect();
    for proxy in proxies {
        console.notice(None, &format!("Requests go through the proxy {proxy}, which the environment names."));
    }
    let (read, place) = (Arc::clone(&inputs), context.clone());
    let left = timeout.saturating_sub(begun.elapsed());
    let planned = in_time("read the workspace", Some(left), move || Plan::for_targets(&read, &place));
    let plans = match runtime.block_on(planned).flatten() {
        Ok(plans) => plans,
        Err(failure) => {
            runtime.shutdown_timeout(GRACE);
            return Report::failed(Stage::Inputs, &failure);
        }
    };
    let revocation = inputs.revoke_token.as_ref().zip(inputs.targets.list.first()).map(|(token, target)| Revocation {
        token: token.clone(),
        target: target.clone(),
        dry_run,
        pending_write: PendingWrite::default(),
    });
    drop(inputs);
    let mut retries = Retries::new(attempts, begun + timeout, Arc::new(NoWatch));
    tune(&mut settings, &mut retries);
    let reports = runtime.block_on(relay_all(plans, &settings, &retries, console, tokens, revocation.as_ref()));
    runtime.shutdown_timeout(GRACE);
    Report::new(reports).dry_run(dry_run)
}

fn settings(inputs: &Inputs, context: &Context, redactor: &Redactor) -> Result<Settings, Failure> {
    let origins = inputs.targets.list.iter().flat_map(|target| [target.server.url().clone(), target.api.url().clone()]);
    let mut settings = Settings::to(origins.collect());
    settings.proxies = context.proxies.proxies()?;
    settings.waits = Waits::within(inputs.behaviour.timeout);
    settings.redactor = redactor.clone();
    if let Some(pem) = &inputs.targets.ca_certificate {
        settings.trust = Trust::from_pem(pem).map_err(|what| {
            Failure::new(Cause::InvalidInput, format!("The input `ca-certificate` is not usable: {what}."))
        })?;
    }
    if context.on_runner {
        settings.trust = settings.trust.built_in_only();
    }
    Ok(settings)
}

/// Does `work` off the threads that hear signals and watch the budget: a stalled disk or a pipe in the checkout holds up its own
/// thread alone. `doing` names it in a message; the limit is what is left of `timeout`.
#[allow(clippy::disallowed_methods, reason = "the end of the budget is no pause between tries")]
async fn in_time<T: Send + 'static>(
    doing: &str,
    limit: Option<Duration>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let work = tokio::task::spawn_blocking(work);
    let budget = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        done = work => done.map_err(|_| {
            Failure::new(Cause::InternalError, format!("The program ended early while it {doing}."))
        }),
        name = system::ended() => {
            Err(Failure::new(Cause::Cancelled, format!("The step was stopped by {name} while it {doing}.")))
        }
        () = budget => {
            let what = format!("The step's whole budget (`timeout`) was used up while it {doing}.");
            Err(Failure::new(Cause::Timeout, what))
        }
    }
}

fn runtime() -> Result<Runtime, Failure> {
    // Timers are looked at between fewer pieces of work than usual, so that `timeout` holds whatever a server sends.
    // NOTE: with a number and a stack of our own no variable of the environment (TOKIO_WORKER_THREADS, RUST_MIN_STACK) has a say.
    let builder = &mut Builder::new_multi_thread();
    let builder = builder.worker_threads(cores()).thread_stack_size(STACK).enable_all().event_interval(13);
    builder.build().map_err(|error| {
        Failure::new(Cause::InternalError, format!("The program could not start its threads: {error}."))
    })
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Starts the threads that hash and deflate: as many as there are cores, whatever `RAYON_NUM_THREADS` says.
fn start_workers() {
    // Where others were started before, they serve as well.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(cores()).stack_size(STACK).build_global();
}

fn destinations(context: &Context) -> Destinations {
    Destinations { output: context.output_file.clone(), summary: context.summary_file.clone() }
}

/// Writes the report everywhere, and tells how the step ended.
fn finish(report: &Report, context: &Context, console: &Console, json: bool) -> ExitCode {
    let redacted = console.redactor().redacted(report.clone());
    let written = write_all(&redacted, &destinations(context), console);
    console.finish(&redacted);
    // The report is what a caller of `--json` goes by, as later steps do by the outputs.
    let printed = !json || write_out(&format!("{}\n", report::json::render(&redacted))).is_ok();
    if report.is_success() && written && printed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
