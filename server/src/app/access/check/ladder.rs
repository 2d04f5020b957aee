//! The ladder: layers in their order, of which everything above the first that fails is not reached. Pure.

use frontend::api::{ConnectionTest, ListenerTest, TestLayer, TestState, TestStep};
use tokio::time::Instant;

/// Layers of an attempt at one address, the lowest first. What may be received and sent stands above them, once for each filter.
const LAYERS: [TestLayer; 5] =
    [TestLayer::Name, TestLayer::Reach, TestLayer::Tls, TestLayer::Protocol, TestLayer::Login];

/// Why a layer failed, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) advice: String,
}

impl Fault {
    pub(super) fn new(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), advice: advice.into() }
    }
}

/// What became of the layers so far.
#[derive(Debug, Default)]
pub(super) struct Ladder {
    steps: Vec<TestStep>,
}

impl Ladder {
    /// A layer is as it must be.
    pub(super) fn passed(&mut self, layer: TestLayer, began: Option<Instant>, what: impl Into<String>) {
        self.add(layer, "", TestState::Ok, began, Fault::new(what, ""));
    }

    /// A layer is not, and nothing above it can be reached.
    pub(super) fn failed(&mut self, layer: TestLayer, began: Option<Instant>, fault: Fault) {
        self.add(layer, "", TestState::Failed, began, fault);
    }

    /// There is nothing to test at a layer.
    pub(super) fn skipped(&mut self, layer: TestLayer, what: impl Into<String>) {
        self.add(layer, "", TestState::Skipped, None, Fault::new(what, ""));
    }

    /// What became of one filter.
    pub(super) fn of(&mut self, layer: TestLayer, filter: &str, state: TestState, fault: Fault) {
        self.add(layer, filter, state, None, fault);
    }

    fn add(&mut self, layer: TestLayer, of: &str, state: TestState, began: Option<Instant>, fault: Fault) {
        let Fault { what, advice } = fault;
        let took = |began: Instant| u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
        self.steps.push(TestStep { layer, of: of.to_owned(), state, took_ms: began.map(took), what, advice });
    }

    /// Whether somebody who is let in stands at the top.
    pub(super) fn is_in(&self) -> bool {
        self.steps.iter().any(|step| step.layer == TestLayer::Login && step.state == TestState::Ok)
    }

    /// All of it: layers and filters that nothing was said of were not reached.
    pub(super) fn whole(mut self, receive: &[String], send: &[String]) -> Vec<TestStep> {
        let known = |steps: &[TestStep], layer, of: &str| steps.iter().any(|step| step.layer == layer && step.of == of);
        let above = receive.iter().map(|filter| (TestLayer::Receive, filter.as_str()));
        let above = above.chain(send.iter().map(|filter| (TestLayer::Send, filter.as_str())));
        for (layer, of) in LAYERS.into_iter().map(|layer| (layer, "")).chain(above) {
            if !known(&self.steps, layer, of) {
                self.add(layer, of, TestState::NotReached, None, Fault::new("", ""));
            }
        }
        // Stable: filters stay in their order.
        self.steps.sort_by_key(|step| step.layer);
        self.steps
    }
}

/// A layer as a sentence names it.
const fn named(layer: TestLayer) -> &'static str {
    match layer {
        TestLayer::Grant => "the grant",
        TestLayer::Credential => "the credential",
        TestLayer::Agent => "the agent",
        TestLayer::Name => "its name",
        TestLayer::Reach => "reaching it",
        TestLayer::Tls => "TLS",
        TestLayer::Protocol => "the protocol",
        TestLayer::Login => "the login",
        TestLayer::Receive => "the right to receive",
        TestLayer::Send => "the right to send",
    }
}

fn first_failed(steps: &[TestStep]) -> Option<&TestStep> {
    steps.iter().find(|step| step.state == TestState::Failed)
}

fn address(listener: &ListenerTest) -> String {
    let at = if listener.address.is_empty() { "an unknown address" } else { &listener.address };
    format!("{} {} ({at})", listener.site_name, listener.name)
}

/// The verdict on all of it: whether it works, and the sentence that says so.
pub(super) fn verdict(before: &[TestStep], listeners: &[ListenerTest]) -> (bool, String) {
    let failing = listeners.iter().filter_map(|listener| Some((listener, first_failed(&listener.steps)?)));
    let failing: Vec<(&ListenerTest, &TestStep)> = failing.collect();
    let working = listeners.len() - failing.len();
    if let Some(step) = first_failed(before) {
        return (false, format!("It ends at {}: {}", named(step.layer), step.what));
    }
    match (failing.first(), working) {
        (None, 0) => (false, "There is no listener that this credential can use.".to_owned()),
        (None, 1) => (true, format!("It works: every layer is as it must be at {}.", address(&listeners[0]))),
        (None, count) => (true, format!("It works: every layer is as it must be at all {count} addresses.")),
        (Some((listener, step)), _) => {
            let place = address(listener);
            let others = if listeners.len() > 1 {
                format!(" {working} of {} addresses work.", listeners.len())
            } else {
                String::new()
            };
            (false, format!("It ends at {} of {place}: {}{others}", named(step.layer), step.what))
        }
    }
}

/// Puts both together.
pub(super) fn tested(
    (at, began): (i64, Instant),
    seen_from: String,
    before: Vec<TestStep>,
    listeners: Vec<ListenerTest>,
    left_out: usize,
) -> ConnectionTest {
    let (works, summary) = verdict(&before, &listeners);
    ConnectionTest {
        at,
        took_ms: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX),
        works,
        summary,
        seen_from,
        before,
        listeners,
        left_out: u32::try_from(left_out).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use frontend::api::PlanProtocol;

    use super::*;

    fn listener(steps: Vec<TestStep>) -> ListenerTest {
        ListenerTest {
            listener: uuid::Uuid::nil().into(),
            name: "mqtt".to_owned(),
            protocol: PlanProtocol::Mqtt,
            site_name: "hq".to_owned(),
            agent_name: "hq-1".to_owned(),
            address: "10.0.0.1:1883".to_owned(),
            steps,
        }
    }

    fn states(steps: &[TestStep]) -> Vec<(TestLayer, TestState)> {
        steps.iter().map(|step| (step.layer, step.state)).collect()
    }

    #[test]
    fn what_is_above_a_layer_that_failed_was_not_reached() {
        use TestLayer::{Login, Name, Protocol, Reach, Receive, Send, Tls};
        use TestState::{Failed, NotReached, Ok};
        let mut ladder = Ladder::default();
        ladder.passed(Name, None, "");
        ladder.failed(Reach, Some(Instant::now()), Fault::new("nobody takes connections.", "look there"));
        assert!(!ladder.is_in());
        let steps = ladder.whole(&["a/>".to_owned()], &["b".to_owned()]);
        let all = [(Name, Ok), (Reach, Failed), (Tls, NotReached), (Protocol, NotReached), (Login, NotReached)];
        assert_eq!(states(&steps), [&all[..], &[(Receive, NotReached), (Send, NotReached)]].concat());
        assert_eq!((steps[5].of.as_str(), steps[6].of.as_str()), ("a/>", "b"));
        assert!(steps[1].took_ms.is_some() && steps[0].took_ms.is_none());
        let (works, sentence) = verdict(&[], &[listener(steps)]);
        assert!(!works && sentence.contains("reaching it of hq mqtt (10.0.0.1:1883)"), "{sentence}");
    }

    #[test]
    fn filters_keep_their_order_and_each_says_what_became_of_it() {
        let mut ladder = Ladder::default();
        let both = ["b".to_owned(), "a".to_owned()];
        ladder.of(TestLayer::Receive, "b", TestState::Ok, Fault::new("", ""));
        ladder.of(TestLayer::Receive, "a", TestState::Failed, Fault::new("refused.", "ask"));
        ladder.passed(TestLayer::Login, None, "");
        let steps = ladder.whole(&both, &[]);
        let of: Vec<&str> = steps.iter().filter(|step| !step.of.is_empty()).map(|step| step.of.as_str()).collect();
        assert_eq!(of, ["b", "a"]);
        assert_eq!(steps.iter().filter(|step| step.layer == TestLayer::Receive).count(), 2);
    }

    #[test]
    fn the_sentence_names_the_lowest_layer_that_failed() {
        let fault = |what: &str| Fault::new(what, "do something");
        let mut low = Ladder::default();
        low.failed(TestLayer::Grant, None, fault("it is revoked."));
        let before = low.whole(&[], &[]);
        assert!(verdict(&before, &[]).1.contains("the grant: it is revoked"));
        assert_eq!(verdict(&[], &[]), (false, "There is no listener that this credential can use.".to_owned()));

        let mut fine = Ladder::default();
        fine.passed(TestLayer::Login, None, "");
        let fine = fine.whole(&[], &[]);
        assert!(verdict(&[], &[listener(fine.clone())]).0);
        let mut wrong = Ladder::default();
        wrong.failed(TestLayer::Login, None, fault("it does not let it in."));
        let (works, sentence) = verdict(&[], &[listener(fine), listener(wrong.whole(&[], &[]))]);
        assert!(!works && sentence.ends_with("1 of 2 addresses work."), "{sentence}");
    }
}
