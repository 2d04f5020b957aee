//! What agents say to each other about a grant's quota that they share: how much each needs, and what one lends another.
//!
//! A loan names the moment of the borrower's own clock at which it had asked, and holds for a fixed time from there: the
//! lender has heard that later, so it never counts the loan as over while it is still used.

use bytes::{BufMut, BytesMut};

use super::FrameError;
use super::codec::Reader;
use crate::id::GrantId;

/// Rates in millionths a second: events published, bytes published, events received, bytes received. What has no limit
/// is 0.
pub type Rates = [u64; 4];

/// One agent to another about one grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which grant.
    pub grant: GrantId,
    /// The sender's own clock, from a random beginning; comes back with loans.
    pub asked_at: u64,
    /// What the sender needs.
    pub needs: Rates,
    /// What the sender lends the receiver; none = it was not asked lately.
    pub loan: Option<Loan>,
}

/// A part of the lender's quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loan {
    /// The borrower's `asked_at` from which it holds.
    pub asked_at: u64,
    /// How much.
    pub rates: Rates,
}

const LOAN: u8 = 1;

pub(super) fn put(out: &mut BytesMut, share: &Share) {
    out.put_slice(share.grant.0.as_bytes());
    out.put_u8(if share.loan.is_some() { LOAN } else { 0 });
    out.put_u64(share.asked_at);
    share.needs.iter().for_each(|rate| out.put_u64(*rate));
    if let Some(loan) = &share.loan {
        out.put_u64(loan.asked_at);
        loan.rates.iter().for_each(|rate| out.put_u64(*rate));
    }
}

pub(super) fn read(reader: &mut Reader) -> Result<Share, FrameError> {
    let grant = GrantId(uuid::Uuid::from_bytes(reader.bytes_16()?));
    let flags = match reader.u8()? {
        flags @ (0 | LOAN) => flags,
        value => return Err(FrameError::Unknown { what: "flag", value }),
    };
    let (asked_at, needs) = (reader.u64()?, rates(reader)?);
    let loan = match flags {
        0 => None,
        _ => Some(Loan { asked_at: reader.u64()?, rates: rates(reader)? }),
    };
    Ok(Share { grant, asked_at, needs, loan })
}

fn rates(reader: &mut Reader) -> Result<Rates, FrameError> {
    Ok([reader.u64()?, reader.u64()?, reader.u64()?, reader.u64()?])
}
