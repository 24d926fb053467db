//! The thread through a command's life, across processes: W3C trace context.
//!
//! A *trace* is one command from key press to screen; a *span* one step of it. The context rides in message
//! headers as `traceparent`, so that every service's lines about one command carry the same `trace.id`.
//! One in N traces is *sampled*, decided once where it begins; all others are only an id.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts to N: the first of every N is sampled.
#[derive(Debug)]
pub struct Sampler {
    /// 0 for none.
    one_in: AtomicU64,
    seen: AtomicU64,
}

impl Sampler {
    /// One in so many; 0 for none, 1 for all.
    #[must_use]
    pub const fn one_in(n: u64) -> Self {
        Self {
            one_in: AtomicU64::new(n),
            seen: AtomicU64::new(0),
        }
    }

    /// Whether the next one is sampled.
    pub fn sample(&self) -> bool {
        NonZeroU64::new(self.one_in.load(Ordering::Relaxed))
            .is_some_and(|one_in| self.seen.fetch_add(1, Ordering::Relaxed) % one_in == 0)
    }
}

/// What the process samples; set by [`install_telemetry`](crate::install_telemetry).
static PROCESS: Sampler = Sampler::one_in(0);

pub(crate) fn sample_one_in(n: u64) {
    PROCESS.one_in.store(n, Ordering::Relaxed);
}

/// Where in which trace we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    sampled: bool,
}

/// A header that is no trace context; start a new trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent header")]
pub struct TraceParseError;

impl TraceContext {
    /// Name of the header that carries it.
    pub const HEADER: &'static str = "traceparent";

    /// A new trace, sampled as the process is configured.
    #[must_use]
    pub fn begin() -> Self {
        Self::begin_with(&PROCESS)
    }

    /// A new trace, sampled as `sampler` says.
    #[must_use]
    pub fn begin_with(sampler: &Sampler) -> Self {
        Self {
            trace_id: random_id(),
            span_id: random_id(),
            sampled: sampler.sample(),
        }
    }

    /// From its parts; `None` if an id is all zero, which the standard reserves.
    #[must_use]
    pub fn from_parts(trace_id: [u8; 16], span_id: [u8; 8], sampled: bool) -> Option<Self> {
        (trace_id != [0; 16] && span_id != [0; 8]).then_some(Self {
            trace_id,
            span_id,
            sampled,
        })
    }

    /// The next step of the same trace.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            span_id: random_id(),
            ..*self
        }
    }

    /// The trace: the same in every step.
    #[must_use]
    pub const fn trace_id(&self) -> [u8; 16] {
        self.trace_id
    }

    /// This step.
    #[must_use]
    pub const fn span_id(&self) -> [u8; 8] {
        self.span_id
    }

    /// Whether its steps are logged.
    #[must_use]
    pub const fn sampled(&self) -> bool {
        self.sampled
    }

    /// The value of the `traceparent` header.
    #[must_use]
    pub fn to_header(&self) -> String {
        format!(
            "00-{}-{}-{:02x}",
            Hex(&self.trace_id),
            Hex(&self.span_id),
            u8::from(self.sampled)
        )
    }

    /// Reads a `traceparent` header, also one of a later version of the standard.
    pub fn parse(header: &str) -> Result<Self, TraceParseError> {
        let parts = || {
            let mut parts = header.split('-');
            let version: [u8; 1] = from_hex(parts.next()?)?;
            let trace_id = from_hex(parts.next()?)?;
            let span_id = from_hex(parts.next()?)?;
            let flags: [u8; 1] = from_hex(parts.next()?)?;
            // Version 00 ends here; a later one may go on; 255 is forbidden.
            let well_formed = version != [0xff] && (version != [0] || parts.next().is_none());
            well_formed.then_some(())?;
            Self::from_parts(trace_id, span_id, flags[0] & 1 == 1)
        };
        parts().ok_or(TraceParseError)
    }

    /// The trace id as log lines show it (`trace.id`).
    #[must_use]
    pub fn trace_hex(&self) -> impl fmt::Display + '_ {
        Hex(&self.trace_id)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_header())
    }
}

impl FromStr for TraceContext {
    type Err = TraceParseError;
    fn from_str(header: &str) -> Result<Self, TraceParseError> {
        Self::parse(header)
    }
}

/// A span of a trace's step with `trace.id` and the given fields, or a disabled one if the trace is not sampled.
///
/// `trace_span!(context, "log.append", area.id = %area, tick)`
#[macro_export]
macro_rules! trace_span {
    ($context:expr, $name:literal $(, $($fields:tt)*)?) => {{
        let context: &$crate::TraceContext = &$context;
        if context.sampled() {
            $crate::__tracing::info_span!($name, trace.id = %context.trace_hex() $(, $($fields)*)?)
        } else {
            $crate::__tracing::Span::none()
        }
    }};
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Random and not zero.
fn random_id<const N: usize>() -> [u8; N]
where
    [u8; N]: Default,
{
    let mut id = [0; N];
    while id == [0; N] {
        rand::fill(&mut id[..]);
    }
    id
}

/// Exactly `N` bytes of lower-case hexadecimal, as the standard demands.
fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    (text.len() == 2 * N).then_some(())?;
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_example_reads_and_writes() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = TraceContext::parse(header).expect("the standard's own example");
        assert!(context.sampled());
        assert_eq!(context.to_header(), header);
        assert_eq!(
            context.trace_hex().to_string(),
            "0af7651916cd43dd8448eb211c80319c"
        );
    }

    #[test]
    fn a_child_keeps_the_trace_and_its_sampling() {
        for sampler in [Sampler::one_in(0), Sampler::one_in(1)] {
            let parent = TraceContext::begin_with(&sampler);
            let child = parent.child();
            assert_eq!(
                (child.trace_id(), child.sampled()),
                (parent.trace_id(), parent.sampled())
            );
            assert_ne!(child.span_id(), parent.span_id());
            assert_eq!(TraceContext::parse(&child.to_header()), Ok(child));
        }
    }

    #[test]
    fn a_later_version_may_be_longer() {
        let later = "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-what-comes";
        assert_eq!(
            TraceContext::parse(later).map(|context| context.sampled()),
            Ok(true)
        );
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c8031-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c8031é-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(bad), Err(TraceParseError), "{bad}");
        }
    }

    #[test]
    fn one_in_three_is_one_in_three() {
        let sampler = Sampler::one_in(3);
        let sampled = (0..300).filter(|_| sampler.sample()).count();
        assert_eq!(sampled, 100);
    }
}
