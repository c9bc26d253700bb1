//! A step inside this process: the same way from the inputs to the report as the binary goes, with pauses that take no time.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use repo_relay::{
    cli::{self, Invocation},
    context::{Context, Environment},
    credential::Redactor,
    diagnosis::Stage,
    http::Settings,
    inputs::Inputs,
    mint::Tokens,
    report::{Console, Destinations, Mode, Report, write_all},
    retry::{Pause, Retries},
    step::relayed,
};

use crate::{
    leaks::Judged,
    runner::{Outcome, Step},
};

/// Pauses that are remembered and take no time: they move the server's clock instead.
pub(crate) struct Virtual {
    github: Arc<Judged>,
    passed: Mutex<Vec<Duration>>,
}

impl Virtual {
    pub(crate) fn new(github: &Arc<Judged>) -> Arc<Self> {
        Arc::new(Self { github: Arc::clone(github), passed: Mutex::default() })
    }

    /// The pauses so far, in their order.
    pub(crate) fn passed(&self) -> Vec<Duration> {
        self.passed.lock().unwrap().clone()
    }

    /// Puts these pauses, and a chance that is always the same, in the place of real ones.
    pub(crate) fn rule(self: &Arc<Self>, retries: &mut Retries) {
        *retries = retries.clone().with_pauser(Arc::clone(self) as Arc<dyn Pause>).with_jitter(Arc::new(|| 0.5));
    }
}

impl Pause for Virtual {
    fn pause(&self, length: Duration) -> BoxFuture<'_, ()> {
        self.passed.lock().unwrap().push(length);
        self.github.model(|model| model.settings.clock_skew += TimeDelta::from_std(length).unwrap());
        Box::pin(tokio::task::yield_now())
    }
}

/// What is printed.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Step {
    /// Runs it to its end in this process, with the network and the pauses as `tune` sets them.
    pub(crate) fn run_inside(self, tune: impl FnOnce(&mut Settings, &mut Retries)) -> Outcome {
        self.run_inside_with(|_| {}, tune)
    }

    /// The same with other inputs than can be written.
    pub(crate) fn run_inside_with(
        self,
        change: impl FnOnce(&mut Inputs),
        tune: impl FnOnce(&mut Settings, &mut Retries),
    ) -> Outcome {
        let begin = Instant::now();
        let environment: Environment = self.variables().into_iter().collect();
        let context = Context::read(&environment, self.workspace());
        let printed = Printed::default();
        let out = printed.clone();
        let console = Console::new(Mode::Runner, false, Box::new(out.clone()), Box::new(out), Redactor::default());
        let no_file = &mut |_: &_| Err(io::Error::other("no file"));
        let report = match cli::parse(Vec::new(), environment, no_file) {
            Ok(Invocation::Relay(cli::RelayRequest { raw, .. })) => {
                console.masks(raw.secrets().map(|(_, secret)| secret));
                match Inputs::read(&raw, &context) {
                    Ok(mut inputs) => {
                        change(&mut inputs);
                        relayed(inputs, &context, &console, &Tokens::default(), tune)
                    }
                    Err(failure) => Report::failed(Stage::Inputs, &failure),
                }
            }
            Ok(_) => panic!("no relay"),
            Err(failure) => Report::failed(Stage::Inputs, &failure),
        };
        let destinations = Destinations { output: context.output_file.clone(), summary: context.summary_file.clone() };
        let report = console.redactor().redacted(report);
        write_all(&report, &destinations, &console);
        console.finish(&report);
        drop(console);
        let stdout = printed.0.lock().unwrap().clone();
        self.left_behind(Some(i32::from(!report.is_success())), stdout, Vec::new(), begin.elapsed())
    }
}
