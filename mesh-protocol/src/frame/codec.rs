//! The frame as bytes. Reading never trusts a count: capacity is bounded by what is really there.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{
    AUTHENTICATOR_BYTES_MAX, Body, CONTROLS_MAX, DESTINATIONS_MAX, Destination, DirectBody, EVENTS_MAX, Frame,
    FrameError, Header, LANES_MAX, MAX_BYTES, StreamBody, StreamEvent, VERSION, control,
};
use crate::id::{Epoch, Lane, Seq, SpoolId};
use crate::wire::Revision;

const STREAM: u8 = 1;
const DIRECT: u8 = 2;
const CONTROL: u8 = 3;

const REDELIVERED: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// The frame's bytes.
///
/// Bounds are the sender's duty; counts beyond a `u16` are a broken invariant.
#[must_use]
pub fn encode(frame: &Frame) -> Bytes {
    let mut out = BytesMut::with_capacity(size_hint(&frame.body));
    let header = &frame.header;
    out.put_u8(VERSION);
    out.put_u8(match frame.body {
        Body::Stream(_) => STREAM,
        Body::Direct(_) => DIRECT,
        Body::Control(_) => CONTROL,
    });
    out.put_slice(&header.sender.0);
    out.put_u64(header.epoch.0);
    out.put_u64(header.key);
    out.put_u64(header.revision.generation);
    out.put_u64(header.revision.revision);
    put_count(&mut out, header.authenticator.len());
    out.put_slice(&header.authenticator);
    match &frame.body {
        Body::Stream(body) => put_stream(&mut out, body),
        Body::Direct(body) => put_direct(&mut out, body),
        Body::Control(messages) => {
            put_count(&mut out, messages.len());
            for message in messages {
                control::put(&mut out, message);
            }
        }
    }
    let checksum = crc32fast::hash(&out);
    out.put_u32(checksum);
    out.freeze()
}

fn size_hint(body: &Body) -> usize {
    const HEAD: usize = 128;
    HEAD + match body {
        Body::Stream(body) => {
            body.destinations.len() * 40 + body.events.iter().map(|event| event.bytes.len() + 21).sum::<usize>()
        }
        Body::Direct(body) => {
            body.destinations.len() * 16 + body.events.iter().map(|event| event.len() + 4).sum::<usize>()
        }
        Body::Control(messages) => messages.len() * 128,
    }
}

fn put_stream(out: &mut BytesMut, body: &StreamBody) {
    out.put_u64(body.epoch.0);
    out.put_u16(body.lane.0);
    put_count(out, body.destinations.len());
    for destination in &body.destinations {
        out.put_slice(&destination.spool.0);
        out.put_u64(destination.epoch.0);
        out.put_slice(&destination.prev.0);
    }
    put_count(out, body.events.len());
    for event in &body.events {
        out.put_slice(&event.seq.0);
        out.put_u8(if event.redelivered { REDELIVERED } else { 0 });
        put_bytes(out, &event.bytes);
    }
}

fn put_direct(out: &mut BytesMut, body: &DirectBody) {
    put_count(out, body.destinations.len());
    for spool in &body.destinations {
        out.put_slice(&spool.0);
    }
    put_count(out, body.events.len());
    for event in &body.events {
        put_bytes(out, event);
    }
}

pub(super) fn put_count(out: &mut BytesMut, count: usize) {
    out.put_u16(u16::try_from(count).expect("the sender keeps frames within their bounds"));
}

pub(super) fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(u32::try_from(bytes.len()).expect("an event is smaller than 4 GiB"));
    out.put_slice(bytes);
}

/// Reads a frame.
///
/// # Errors
/// [`FrameError`]: an error of the link, to be counted; nothing of the frame may be acknowledged.
pub fn decode(bytes: &Bytes) -> Result<Frame, FrameError> {
    if bytes.len() > MAX_BYTES {
        return Err(FrameError::TooMany("bytes"));
    }
    let version = *bytes.first().ok_or(FrameError::Short)?;
    if version != VERSION {
        return Err(FrameError::Version(version));
    }
    let end = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(FrameError::Short)?;
    if crc32fast::hash(&bytes[..end]).to_be_bytes() != bytes[end..] {
        return Err(FrameError::Checksum);
    }
    let mut reader = Reader(bytes.slice(1..end));
    let kind = reader.u8()?;
    let header = read_header(&mut reader)?;
    let body = match kind {
        STREAM => Body::Stream(read_stream(&mut reader)?),
        DIRECT => Body::Direct(read_direct(&mut reader)?),
        CONTROL => Body::Control(reader.list("messages", CONTROLS_MAX, control::read)?),
        value => return Err(FrameError::Unknown { what: "kind", value }),
    };
    if reader.0.has_remaining() {
        return Err(FrameError::Long);
    }
    Ok(Frame { header, body })
}

fn read_header(reader: &mut Reader) -> Result<Header, FrameError> {
    let sender = reader.spool()?;
    let epoch = reader.epoch()?;
    let key = reader.u64()?;
    let revision = reader.revision()?;
    let length = usize::from(reader.u16()?);
    if length > AUTHENTICATOR_BYTES_MAX {
        return Err(FrameError::TooMany("bytes of authenticator"));
    }
    let authenticator = reader.take(length)?;
    Ok(Header { sender, epoch, key, revision, authenticator })
}

fn read_stream(reader: &mut Reader) -> Result<StreamBody, FrameError> {
    let epoch = reader.epoch()?;
    let lane = reader.lane()?;
    let destinations = reader.list("destinations", DESTINATIONS_MAX, |reader| {
        Ok(Destination { spool: reader.spool()?, epoch: reader.epoch()?, prev: reader.seq()? })
    })?;
    let events: Vec<StreamEvent> = reader.list("events", EVENTS_MAX, read_stream_event)?;
    if !events.is_sorted_by(|one, next| one.seq < next.seq) {
        return Err(FrameError::Invalid("order of events"));
    }
    if events.first().is_some_and(|first| destinations.iter().any(|to| to.prev >= first.seq)) {
        return Err(FrameError::Invalid("prev"));
    }
    Ok(StreamBody { epoch, lane, destinations, events })
}

fn read_stream_event(reader: &mut Reader) -> Result<StreamEvent, FrameError> {
    let seq = reader.seq()?;
    let redelivered = match reader.u8()? {
        0 => false,
        REDELIVERED => true,
        value => return Err(FrameError::Unknown { what: "flag", value }),
    };
    Ok(StreamEvent { seq, redelivered, bytes: reader.bytes()? })
}

fn read_direct(reader: &mut Reader) -> Result<DirectBody, FrameError> {
    let destinations = reader.list("destinations", DESTINATIONS_MAX, Reader::spool)?;
    let events = reader.list("events", EVENTS_MAX, Reader::bytes)?;
    Ok(DirectBody { destinations, events })
}

/// Takes fields off the front, never beyond the end.
pub(super) struct Reader(Bytes);

impl Reader {
    pub(super) fn take(&mut self, length: usize) -> Result<Bytes, FrameError> {
        if self.0.len() < length {
            return Err(FrameError::Short);
        }
        Ok(self.0.split_to(length))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let bytes = self.take(N)?;
        Ok(bytes.as_ref().try_into().expect("just N bytes were taken"))
    }

    pub(super) fn u8(&mut self) -> Result<u8, FrameError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, FrameError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, FrameError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(super) fn bytes_16(&mut self) -> Result<[u8; 16], FrameError> {
        self.array()
    }

    pub(super) fn spool(&mut self) -> Result<SpoolId, FrameError> {
        Ok(SpoolId(self.array()?))
    }

    pub(super) fn epoch(&mut self) -> Result<Epoch, FrameError> {
        Ok(Epoch(self.u64()?))
    }

    pub(super) fn seq(&mut self) -> Result<Seq, FrameError> {
        Ok(Seq(self.array()?))
    }

    pub(super) fn lane(&mut self) -> Result<Lane, FrameError> {
        let lane = self.u16()?;
        if lane >= LANES_MAX {
            return Err(FrameError::Invalid("lane"));
        }
        Ok(Lane(lane))
    }

    pub(super) fn revision(&mut self) -> Result<Revision, FrameError> {
        Ok(Revision { generation: self.u64()?, revision: self.u64()? })
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes, FrameError> {
        let length = u32::from_be_bytes(self.array()?);
        self.take(usize::try_from(length).map_err(|_| FrameError::Short)?)
    }

    pub(super) fn text(&mut self, bytes_max: usize, what: &'static str) -> Result<String, FrameError> {
        let length = usize::from(self.u16()?);
        if length > bytes_max {
            return Err(FrameError::TooMany(what));
        }
        let bytes = self.take(length)?;
        std::str::from_utf8(&bytes).map(str::to_owned).map_err(|_| FrameError::Invalid(what))
    }

    pub(super) fn list<T>(
        &mut self,
        what: &'static str,
        most: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, FrameError>,
    ) -> Result<Vec<T>, FrameError> {
        let count = usize::from(self.u16()?);
        if count > most {
            return Err(FrameError::TooMany(what));
        }
        if count > self.0.len() {
            return Err(FrameError::Short);
        }
        (0..count).map(|_| read(self)).collect()
    }
}
