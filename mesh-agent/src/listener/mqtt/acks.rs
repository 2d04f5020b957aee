//! What one client is told once something is on disk: that its publishes are in custody, and the steps of QoS 2.
//!
//! Reading goes on while they wait. They go out in the order of what they answer (MQTT 5, 4.6), so only the oldest is
//! watched; the answers of later ones wait in their receipts.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use mqtt_protocol_core::mqtt::result_code::PubackReasonCode;
use tokio::time::Instant;

use crate::router::{Failure, Outcome, Receipt};

/// The answer to one publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// In custody.
    Taken,
    /// Nobody wants it.
    Unrouted,
    /// Not taken; the publisher keeps the event.
    Refused {
        /// For MQTT 5.
        code: PubackReasonCode,
        /// For people.
        why: String,
        /// How it is counted.
        cause: Cause,
    },
}

/// Why a publish was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Policy or a contract; counted where it was decided.
    Denied,
    /// A limit or a quota; counted where it was found.
    Rejected,
    /// Not everybody had it in time.
    Timeout,
    /// An outlet could not take it.
    Failed,
}

/// What is told, or done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) id: u16,
    pub(super) step: Step,
}

/// See [`exactly_once`](super::exactly_once) for those of QoS 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A publish at QoS 1 is answered.
    Puback,
    /// A publish at QoS 2 is answered.
    Pubrec,
    /// The exchange that a client began is over.
    Pubcomp,
    /// A delivery that the client has is released.
    Pubrel,
    /// The same for one that this connection has not sent.
    Withdraw,
    /// The id of a delivery is free again.
    Free,
}

#[derive(Debug)]
enum State {
    Waiting(Receipt, Instant),
    Known(Answer),
}

#[derive(Debug, Default)]
pub(super) struct Acks(VecDeque<(Packet, State)>);

impl Acks {
    /// A publish that was handed to the router.
    pub(super) fn wait(&mut self, packet: Packet, receipt: Receipt) {
        self.0.push_back((packet, State::Waiting(receipt, Instant::now())));
    }

    /// A publish whose answer is known, to be told after those before it.
    pub(super) fn known(&mut self, packet: Packet, answer: Answer) {
        self.0.push_back((packet, State::Known(answer)));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// When the oldest has waited for so long.
    pub(super) fn deadline(&self, timeout: Duration) -> Option<Instant> {
        match self.0.front()? {
            (_, State::Waiting(_, since)) => Some(*since + timeout),
            (_, State::Known(_)) => None,
        }
    }

    /// Waits for the oldest's answer; for ever when there is none. Cancel-safe.
    pub(super) async fn next(&mut self) -> (Packet, Answer) {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(Packet, Answer)> {
        let Some((_, state)) = self.0.front_mut() else { return Poll::Pending };
        if let State::Waiting(receipt, _) = state {
            match Pin::new(receipt).poll(cx) {
                Poll::Ready(outcome) => *state = State::Known(answer(outcome)),
                Poll::Pending => return Poll::Pending,
            }
        }
        match self.0.pop_front() {
            Some((packet, State::Known(answer))) => {
                if self.0.is_empty() && self.0.capacity() > 64 {
                    self.0.shrink_to(0);
                }
                Poll::Ready((packet, answer))
            }
            _ => unreachable!("the front was just made known"),
        }
    }

    /// Gives the oldest up when it has waited for so long. Its event may still arrive; the publisher is told otherwise, so
    /// it sends it again: at least once, never a false acknowledgement. False: it is a step of QoS 2, of which nothing
    /// may be told that is not known.
    pub(super) fn expire(&mut self, timeout: Duration, now: Instant) -> bool {
        let Some((packet, state)) = self.0.front_mut() else { return true };
        if matches!(state, State::Waiting(_, since) if *since + timeout <= now) {
            if packet.step != Step::Puback {
                return false;
            }
            *state = State::Known(Answer::Refused {
                // There is no code for "try again"; 0x97 would blame the client's quota.
                code: PubackReasonCode::ImplementationSpecificError,
                why: format!("not every destination had the event within {} ms; publish it again", timeout.as_millis()),
                cause: Cause::Timeout,
            });
        }
        true
    }

    /// The connection ends: steps of QoS 2 of which nothing is known yet.
    pub(super) fn rest(self) -> VecDeque<(Packet, Receipt)> {
        let waiting = |(packet, state): (Packet, State)| match state {
            State::Waiting(receipt, _) if packet.step != Step::Puback => Some((packet, receipt)),
            _ => None,
        };
        self.0.into_iter().filter_map(waiting).collect()
    }
}

fn answer(outcome: Outcome) -> Answer {
    let (code, why) = match outcome {
        Outcome::Taken { .. } => return Answer::Taken,
        Outcome::Unrouted => return Answer::Unrouted,
        Outcome::Failed(Failure::Full(why) | Failure::Again { reason: why, .. }) => {
            (PubackReasonCode::QuotaExceeded, why)
        }
        Outcome::Failed(Failure::Refused(why)) => (PubackReasonCode::ImplementationSpecificError, why),
        Outcome::Failed(Failure::Lost) => {
            let why = "a destination went away before it had the event; publish it again".to_owned();
            (PubackReasonCode::ImplementationSpecificError, why)
        }
    };
    Answer::Refused { code, why, cause: Cause::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::testing::{Slow, guaranteed, router};
    use crate::router::Router;
    use futures::FutureExt;

    fn packet(id: u16) -> Packet {
        Packet { id, step: Step::Puback }
    }

    fn publish(router: &Router, topic: &str) -> Receipt {
        let admission = router.budget().try_take(100).expect("room");
        router.publish(vec![guaranteed(topic)], admission, None)
    }

    #[tokio::test]
    async fn an_answer_waits_for_those_before_it() {
        let (mut acks, timeout) = (Acks::default(), Duration::from_secs(5));
        let router = router();
        let slow = Slow::attach(&router, "slow");
        acks.wait(packet(1), publish(&router, "slow"));
        acks.wait(packet(2), publish(&router, "nobody"));
        acks.known(packet(3), Answer::Taken);
        assert!(acks.next().now_or_never().is_none());
        let deadline = acks.deadline(timeout).expect("one waits");
        assert!(acks.expire(timeout, deadline - Duration::from_millis(1)));
        assert!(acks.next().now_or_never().is_none());
        assert!(acks.expire(timeout, deadline));
        let (first, answer) = acks.next().await;
        assert_eq!(first, packet(1));
        assert!(matches!(answer, Answer::Refused { cause: Cause::Timeout, .. }));
        assert_eq!(acks.next().await, (packet(2), Answer::Unrouted), "its answer came in time");
        assert_eq!(acks.next().await, (packet(3), Answer::Taken));
        assert_eq!((acks.len(), slow.held()), (0, 1));
    }

    #[tokio::test]
    async fn a_step_of_qos_2_is_never_given_up_and_goes_with_the_session() {
        let (mut acks, timeout) = (Acks::default(), Duration::from_secs(5));
        let router = router();
        let _slow = Slow::attach(&router, "slow");
        acks.wait(Packet { id: 1, step: Step::Pubrec }, publish(&router, "slow"));
        acks.wait(packet(2), publish(&router, "slow"));
        let deadline = acks.deadline(timeout).expect("one waits");
        assert!(!acks.expire(timeout, deadline));
        let rest: Vec<Packet> = acks.rest().into_iter().map(|(packet, _)| packet).collect();
        assert_eq!(rest, [Packet { id: 1, step: Step::Pubrec }]);
    }
}
