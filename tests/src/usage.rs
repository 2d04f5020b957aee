//! What the kernel knows of processes: what one costs in processor time and memory, and which there are.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context;

/// The kernel tells processor time in these, whatever its own clock does (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);
/// Written to `clear_refs`: the peak of the memory begins anew.
const FORGET_PEAK: &str = "5";

/// Resident memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// All of it.
    pub resident: u64,
    /// What belongs to this process alone: heap and stacks.
    pub anonymous: u64,
    /// Pages of its program and libraries, which several processes of one program share.
    pub files: u64,
    /// The most that was ever resident, or since [`forget_peak`].
    pub peak: u64,
}

impl std::fmt::Display for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mb = |bytes: u64| bytes as f64 / 1e6;
        let (resident, anonymous, files) = (mb(self.resident), mb(self.anonymous), mb(self.files));
        write!(f, "{resident:.1} MB resident ({anonymous:.1} MB of its own, {files:.1} MB of program and libraries)")
    }
}

/// Memory of a process now.
///
/// # Errors
/// There is no such process.
pub fn memory(process: u32) -> anyhow::Result<Memory> {
    let file = format!("/proc/{process}/status");
    let status = fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim_start_matches(':').trim().strip_suffix(" kB"));
        let kib: u64 = kib.and_then(|kib| kib.parse().ok()).with_context(|| format!("find {name} in {file}"))?;
        anyhow::Ok(kib * 1024)
    };
    Ok(Memory {
        resident: field("VmRSS")?,
        anonymous: field("RssAnon")?,
        files: field("RssFile")?,
        peak: field("VmHWM")?,
    })
}

/// Lets the peak of the memory begin anew.
///
/// # Errors
/// There is no such process, or it belongs to somebody else.
pub fn forget_peak(process: u32) -> anyhow::Result<()> {
    let file = format!("/proc/{process}/clear_refs");
    fs::write(&file, FORGET_PEAK).with_context(|| format!("write {file}"))
}

/// Processor time that a process has used so far, in its own code and in the kernel's.
///
/// # Errors
/// There is no such process.
pub fn processor_time(process: u32) -> anyhow::Result<Duration> {
    let file = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
    // The second field is the program's name in brackets, which may hold anything.
    let (_, after) = stat.rsplit_once(')').with_context(|| format!("read {file}"))?;
    let ticks = after.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks: u32 = ticks.sum::<Result<_, _>>().with_context(|| format!("read {file}"))?;
    Ok(TICK * ticks)
}

/// Processes on whose command line a text stands.
///
/// # Errors
/// There is no `/proc`.
pub fn processes_with(text: &str) -> anyhow::Result<Vec<u32>> {
    let ids = fs::read_dir("/proc").context("read /proc")?.flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // One that ends while it is looked at has no command line any more.
    let line = |id: &u32| fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    Ok(ids.filter(|id| String::from_utf8_lossy(&line(id)).contains(text)).collect())
}

/// Where a process accepts TCP connections.
///
/// # Errors
/// There is no such process, or the kernel tells it in another way.
pub fn listens_at(process: u32) -> anyhow::Result<Vec<SocketAddr>> {
    let folder = format!("/proc/{process}/fd");
    let mut own = BTreeSet::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("read {folder}"))? {
        // A file that was closed meanwhile is none of its sockets.
        let Ok(target) = fs::read_link(entry.with_context(|| format!("read {folder}"))?.path()) else { continue };
        let socket: Option<u64> =
            target.to_str().and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
        own.extend(socket);
    }
    let mut addresses = Vec::new();
    for table in ["tcp", "tcp6"] {
        let file = format!("/proc/{process}/net/{table}");
        let text = fs::read_to_string(&file).with_context(|| format!("read {file}"))?;
        let sockets = text.lines().skip(1).filter_map(listening).filter(|(socket, _)| own.contains(socket));
        addresses.extend(sockets.map(|(_, address)| address));
    }
    Ok(addresses)
}

/// Number and address of a socket that listens; none for other lines of the kernel's table.
fn listening(line: &str) -> Option<(u64, SocketAddr)> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (ip, port) = fields.get(1)?.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    // Words of four bytes, each in the order of this machine.
    let words: Vec<u8> = (0..ip.len() / 8)
        .map(|word| u32::from_str_radix(&ip[word * 8..word * 8 + 8], 16).ok())
        .collect::<Option<Vec<_>>>()?
        .into_iter()
        .flat_map(u32::to_ne_bytes)
        .collect();
    let ip = match words.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(words).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(words).ok()?),
        _ => return None,
    };
    let socket = fields.get(9)?.parse().ok()?;
    (*fields.get(3)? == LISTEN).then_some((socket, SocketAddr::new(ip, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_by_its_command_line() {
        let own = std::env::args().next().expect("a program has a name");
        assert!(processes_with(&own).expect("there is /proc").contains(&std::process::id()));
    }

    #[test]
    fn memory_has_its_parts_and_a_peak() {
        let memory = memory(std::process::id()).expect("we run");
        assert!(memory.resident >= memory.anonymous && memory.peak >= memory.resident && memory.anonymous > 0);
    }

    #[test]
    fn work_costs_processor_time() {
        let own = std::process::id();
        let before = processor_time(own).expect("we run");
        while processor_time(own).expect("we run") < before + Duration::from_millis(30) {
            std::hint::black_box((0..10_000_u64).sum::<u64>());
        }
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(memory(u32::MAX).is_err() && processor_time(u32::MAX).is_err());
    }

    #[test]
    fn a_process_knows_where_it_listens() {
        let here = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let far = std::net::TcpListener::bind("[::]:0").expect("a port");
        let own = listens_at(std::process::id()).expect("we run");
        for socket in [&here, &far] {
            assert!(own.contains(&socket.local_addr().expect("bound")), "{own:?}");
        }
    }
}
