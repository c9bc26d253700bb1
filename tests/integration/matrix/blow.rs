//! What befalls a request: every fault of the network and of a server, and what must come of it.

use std::time::Duration;

use emulator::faults::{Canned, Fault, FaultRule};

use super::point::Point;

/// What a fault means for whoever decides about another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// Nothing at all: the answer comes, only later.
    Harmless,
    /// It passes.
    Passing,
    /// It passes after this pause, which the server names.
    Named(Duration),
    /// Trying again is useless.
    Lasting,
}

/// A fault with a name.
#[derive(Clone, Debug)]
pub(crate) struct Blow {
    pub(crate) name: &'static str,
    pub(crate) fault: Fault,
    pub(crate) nature: Nature,
}

impl Blow {
    /// No byte moves: the client has to give the connection up.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.fault, Fault::Silence | Fault::SilenceAfter)
    }

    /// Where many targets are relayed to, and one of them meets it: once, or `always`.
    pub(crate) fn is_for_many(&self, always: bool) -> bool {
        let names: &[&str] = if always {
            &["502", "403", "502 after the effect"]
        } else {
            &["reset", "secondary limit", "silence", "reset after the effect"]
        };
        names.contains(&self.name)
    }

    /// The fault at `point`, once or from then on.
    pub(crate) fn rule(&self, point: &Point, always: bool) -> FaultRule {
        let rule = FaultRule::on(&point.method, &point.pattern, self.fault.clone());
        if always { rule.from(point.nth) } else { rule.nth(point.nth) }
    }
}

const HTML: &str = "<!DOCTYPE html><html><head><title>Sign in to the network</title></head><body>Welcome</body></html>";

/// The faults that make sense at `point`; `stranger` is a host that must never be spoken to.
pub(crate) fn blows(point: &Point, stranger: &str) -> Vec<Blow> {
    let blow = |name, fault, nature| Blow { name, fault, nature };
    let seconds = Duration::from_secs;
    let named = |after| Nature::Named(seconds(after));
    let mut blows = vec![
        blow("reset", Fault::Reset, Nature::Passing),
        blow("close", Fault::Close, Nature::Passing),
        blow("500", Fault::Answer(Canned::error(500, "Server Error")), Nature::Passing),
        blow("502", Fault::Answer(Canned::bad_gateway()), Nature::Passing),
        blow("503 with retry-after", Fault::Answer(Canned::unavailable(7)), named(7)),
        blow("429", Fault::Answer(Canned::error(429, "Too many requests").header("retry-after", "11")), named(11)),
        blow("primary limit", Fault::Limit(seconds(17)), named(17)),
        blow("secondary limit", Fault::Answer(Canned::secondary_limit(13)), named(13)),
        blow("slow", Fault::Delay(Duration::from_millis(60)), Nature::Harmless),
        blow("silence", Fault::Silence, Nature::Passing),
        blow("error page", Fault::Answer(Canned { status: 200, headers: html(), body: HTML.into() }), Nature::Passing),
        blow("another good status", Fault::Answer(good_status()), Nature::Passing),
        blow("redirect to another host", Fault::Redirect(307, stranger.to_owned()), Nature::Lasting),
        blow("401", Fault::Answer(Canned::error(401, "Bad credentials")), Nature::Lasting),
        blow(
            "403",
            Fault::Answer(Canned::error(403, "Resource not accessible by personal access token")),
            Nature::Lasting,
        ),
        blow("404", Fault::Answer(Canned::error(404, "Not Found")), Nature::Lasting),
    ];
    // Of a request that only reads the effect is its answer.
    if point.writes() {
        blows.extend([
            blow("reset after the effect", Fault::ResetAfter, Nature::Passing),
            blow("502 after the effect", Fault::AnswerAfter(Canned::bad_gateway()), Nature::Passing),
            blow("503 after the effect", Fault::AnswerAfter(Canned::unavailable(7)), named(7)),
            blow("silence after the effect", Fault::SilenceAfter, Nature::Passing),
            blow("another good status after the effect", Fault::AnswerAfter(good_status()), Nature::Passing),
        ]);
    }
    if point.answer > 0 {
        let half = point.answer / 2;
        blows.extend([
            blow("reset in the body", Fault::ResetBody(half), Nature::Passing),
            blow("cut body", Fault::Truncate(half), Nature::Passing),
            blow("wrong content type", Fault::ContentType("text/html".into()), Nature::Passing),
        ]);
        if point.is_rest() {
            blows.push(blow("bad JSON", Fault::Body("{\"id\": 1,".into()), Nature::Passing));
        } else {
            blows.push(blow("cut pkt-line", Fault::Truncate(6), Nature::Passing));
            blows.push(blow("no pkt-line", Fault::Body("00".into()), Nature::Passing));
        }
    }
    blows
}

/// One that says that it is well, and is none that any of these requests is answered with.
fn good_status() -> Canned {
    Canned { status: 206, headers: Vec::new(), body: "{}".to_owned() }
}

fn html() -> Vec<(String, String)> {
    vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())]
}

/// Those that are tried for ever too: one of each kind of answer.
pub(crate) fn is_tried_for_ever(blow: &Blow) -> bool {
    let kinds = [
        "reset",
        "reset after the effect",
        "502",
        "502 after the effect",
        "primary limit",
        "silence",
        "error page",
        "another good status after the effect",
        "cut body",
    ];
    blow.nature == Nature::Lasting || kinds.contains(&blow.name)
}
