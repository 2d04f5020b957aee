//! The frame as bytes. Reading never trusts a count: capacity is bounded by what is really there.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use lz4_flex::block;

use super::{
    Body, CONTROLS_MAX, DESTINATIONS_MAX, Destination, DirectBody, EVENTS_MAX, Frame, FrameError, Header, LANES_MAX,
    MAX_BYTES, StreamBody, StreamEvent, control,
};
use crate::id::{Epoch, Lane, Seq, SpoolId};
use crate::wire::Revision;

const STREAM: u8 = 1;
const DIRECT: u8 = 2;
const CONTROL: u8 = 3;
const COMPRESSED: u8 = 0x80;

const REDELIVERED: u8 = 1;
const RECALLED: u8 = 2;
/// Kind, sender, epoch and revision.
const HEAD_BYTES: usize = 41;
/// LZ4 cannot make more out of a byte.
const EXPANSION_MAX: usize = 255;

/// How large a body became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the plain body.
    pub plain: usize,
    /// Bytes of the body as it was written, compressed or not.
    pub written: usize,
}

impl Written {
    /// Whether it is compressed.
    #[must_use]
    pub fn is_compressed(self) -> bool {
        self.written < self.plain
    }
}

/// The frame's bytes, not compressed.
///
/// Bounds are the sender's duty; counts beyond a `u16` are a broken invariant.
#[must_use]
pub fn encode(frame: &Frame) -> Bytes {
    let mut out = BytesMut::new();
    put(&mut out, frame, false);
    out.freeze()
}

/// Appends the frame's bytes. `compress`: try it, and write the body compressed if that saves an eighth of it.
pub fn put(out: &mut BytesMut, frame: &Frame, compress: bool) -> Written {
    out.reserve(size_hint(&frame.body));
    let at = out.len();
    out.put_u8(match frame.body {
        Body::Stream(_) => STREAM,
        Body::Direct(_) => DIRECT,
        Body::Control(_) => CONTROL,
    });
    let header = &frame.header;
    out.put_slice(&header.sender.0);
    out.put_u64(header.epoch.0);
    out.put_u64(header.revision.generation);
    out.put_u64(header.revision.revision);
    put_body(out, &frame.body);
    let body = at + HEAD_BYTES;
    let plain = out.len() - body;
    if compress && compress_from(out, body) {
        out[at] |= COMPRESSED;
    }
    Written { plain, written: out.len() - body }
}

fn put_body(out: &mut BytesMut, body: &Body) {
    match body {
        Body::Stream(body) => put_stream(out, body),
        Body::Direct(body) => put_direct(out, body),
        Body::Control(messages) => {
            put_count(out, messages.len());
            for message in messages {
                control::put(out, message);
            }
        }
    }
}

/// Compresses what stands from there to the end, if that pays.
fn compress_from(out: &mut BytesMut, body: usize) -> bool {
    let plain = &out[body..];
    let Ok(length) = u32::try_from(plain.len()) else { return false };
    let mut packed = vec![0; block::get_maximum_output_size(plain.len())];
    let Ok(size) = block::compress_into(plain, &mut packed) else { return false };
    if size + size_of::<u32>() > plain.len() - plain.len() / 8 {
        return false;
    }
    out.truncate(body);
    out.put_u32(length);
    out.put_slice(&packed[..size]);
    true
}

fn size_hint(body: &Body) -> usize {
    HEAD_BYTES
        + 16
        + match body {
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
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        out.put_u8(flag(event.redelivered, REDELIVERED) | flag(event.recalled, RECALLED));
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
    let mut reader = Reader(bytes.clone());
    let kind = reader.u8()?;
    let header = Header { sender: reader.spool()?, epoch: reader.epoch()?, revision: reader.revision()? };
    if kind & COMPRESSED != 0 {
        reader = Reader(plain_body(reader)?);
    }
    let body = match kind & !COMPRESSED {
        STREAM => Body::Stream(read_stream(&mut reader)?),
        DIRECT => Body::Direct(read_direct(&mut reader)?),
        CONTROL => Body::Control(reader.list("messages", CONTROLS_MAX, control::read)?),
        _ => return Err(FrameError::Unknown { what: "kind", value: kind }),
    };
    if reader.0.has_remaining() {
        return Err(FrameError::Long);
    }
    Ok(Frame { header, body })
}

/// The plain body. Nothing is reserved for a length that a frame of this size cannot have.
fn plain_body(mut reader: Reader) -> Result<Bytes, FrameError> {
    let length = reader.length()?;
    if length > MAX_BYTES - HEAD_BYTES {
        return Err(FrameError::TooMany("bytes"));
    }
    if length > reader.0.len().saturating_mul(EXPANSION_MAX) {
        return Err(FrameError::Compressed);
    }
    let mut plain = vec![0; length];
    match block::decompress_into(&reader.0, &mut plain) {
        Ok(written) if written == length => Ok(plain.into()),
        _ => Err(FrameError::Compressed),
    }
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
    let flags = reader.u8()?;
    if flags & !(REDELIVERED | RECALLED) != 0 {
        return Err(FrameError::Unknown { what: "flag", value: flags });
    }
    let (redelivered, recalled) = (flags & REDELIVERED != 0, flags & RECALLED != 0);
    Ok(StreamEvent { seq, redelivered, recalled, bytes: reader.bytes()? })
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
        let length = self.length()?;
        self.take(length)
    }

    fn length(&mut self) -> Result<usize, FrameError> {
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| FrameError::Short)
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
