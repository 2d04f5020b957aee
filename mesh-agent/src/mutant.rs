//! Faults that the simulation plants to show that it would see them.
//!
//! A check that never failed proves nothing. Each of these is asked for at the very place where the fault would be; the
//! answer is a constant `false` in every program, so that none of it is compiled into one, and in tests what the running
//! thread has planted.

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    #[cfg(test)]
    /// The spool answers before its commit is synced: a crash takes back what was acknowledged.
    AckBeforeSync,
    /// The mark of a stream is committed by itself, before the events that it speaks of.
    MarkOutsideBatch,
    /// A destination says that it has custody of what it could not take.
    AckOverHole,
    /// A destination says that it has custody of what has only arrived.
    AckOnArrival,
    /// What is under way does not count against the credit any more when a destination is back.
    CreditResetOnReconnect,
    /// Only new events are held against the scopes, not those that are sent again.
    ResendIgnoresScope,
    /// Events of the next epoch go before the destination has all those of the epoch before.
    EpochNotDrained,
    /// What another agent is to get is done with once it was sent.
    DoneWhenSent,
    /// A destination that has lost what it had custody of is passed on as if it had it.
    LossUntold,
    /// A stream stops for ever when its destination is ahead of what its origin remembers.
    AheadForEver,
    /// A batch for which a queue has no room is offered again as a whole, for ever.
    BatchNeverSplit,
    /// What a process had sent for others and given up is taken after what the next one sends.
    GivenUpTaken,
    /// A refusal that an earlier process has dealt with is not answered, and its lane waits for ever.
    RefusalUnanswered,
    /// Nobody answers for what was sent before the disk was put back to an earlier state, and who asks for it waits for ever.
    LostEpochUnanswered,
    /// The next epoch of an origin goes before what waits behind holes of the one before.
    HolesLeftBehind,
    /// What a consumer had before is delivered again as if it were new.
    FlagLost,
    /// What consumers may have had before a restart is delivered as if it were new.
    RestartUnflagged,
    /// A key goes to another consumer while one still has an event of it.
    KeyMovedWhileOut,
    /// A dead letter leaves its queue before it is on disk as one.
    DeadLetterOutsideCommit,
    /// A change of interest is taken whether it follows on what is known or not.
    InterestUnchecked,
    /// The durable interest of others is not read after a restart.
    InterestForgotten,
}

/// Whether the fault is planted here and now.
#[cfg(not(test))]
#[inline]
pub(crate) const fn planted(_mutant: Mutant) -> bool {
    false
}

#[cfg(test)]
pub(crate) use planting::{ALL, Planted, planted};

#[cfg(test)]
mod planting {
    use std::cell::Cell;

    use super::Mutant;

    /// All of them.
    pub(crate) const ALL: [Mutant; 21] = [
        Mutant::AckBeforeSync,
        Mutant::MarkOutsideBatch,
        Mutant::AckOverHole,
        Mutant::AckOnArrival,
        Mutant::CreditResetOnReconnect,
        Mutant::ResendIgnoresScope,
        Mutant::EpochNotDrained,
        Mutant::DoneWhenSent,
        Mutant::LossUntold,
        Mutant::AheadForEver,
        Mutant::BatchNeverSplit,
        Mutant::GivenUpTaken,
        Mutant::RefusalUnanswered,
        Mutant::LostEpochUnanswered,
        Mutant::HolesLeftBehind,
        Mutant::FlagLost,
        Mutant::RestartUnflagged,
        Mutant::KeyMovedWhileOut,
        Mutant::DeadLetterOutsideCommit,
        Mutant::InterestUnchecked,
        Mutant::InterestForgotten,
    ];

    thread_local! {
        static PLANTED: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// A fault in this thread, until this is dropped.
    #[derive(Debug)]
    pub(crate) struct Planted(());

    impl Planted {
        /// Plants it.
        pub(crate) fn here(mutant: Option<Mutant>) -> Self {
            PLANTED.set(mutant);
            Self(())
        }
    }

    impl Drop for Planted {
        fn drop(&mut self) {
            PLANTED.set(None);
        }
    }

    pub(crate) fn planted(mutant: Mutant) -> bool {
        PLANTED.get() == Some(mutant)
    }
}
