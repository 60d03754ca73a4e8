//! Much at once: from the first byte until the last line is on the terminal.

use crate::feed::Feed;
use crate::inner;
use crate::metric::Metric;
use crate::outer::{Expect, Run};
use crate::tools::Tool;

/// One transfer, in MiB/s of what the program writes or reads.
pub fn transfer(metric: Metric, tool: Tool, bytes: u64) -> Result<f64, String> {
    let (input, output) = (bytes / tool.input_share(), bytes / tool.output_share());
    let (program, bytes) = match metric {
        Metric::Text => (format!("text:{output}"), output),
        Metric::Sgr => (format!("sgr:{output}"), output),
        Metric::Both => (format!("both:{input}"), input),
        _ => (format!("paste:{input}"), input),
    };
    let mut run = Run::start(tool, &program)?;
    let expect = |feed: Feed, mark| {
        if tool.draws_anew() { Expect::Mark(mark) } else { Expect::Bytes(feed) }
    };
    let time = match metric {
        Metric::Text => {
            run.transfer(Feed::once(b"G"), expect(Feed::text(bytes).then(inner::END_LINE), inner::END))
        }
        Metric::Sgr => {
            run.transfer(Feed::once(b"G"), expect(Feed::sgr(bytes).then(inner::END_LINE), inner::END))
        }
        Metric::Both => {
            run.transfer(Feed::text(bytes), expect(Feed::sgr(bytes).then(inner::GOOD_LINE), inner::GOOD))
        }
        _ => run.transfer(Feed::text(bytes), expect(Feed::once(inner::GOOD_LINE), inner::GOOD)),
    };
    match time {
        Ok(time) => run.end().map(|()| bytes as f64 / f64::from(1 << 20) / time.as_secs_f64()),
        Err(failure) => {
            run.abort();
            Err(failure)
        }
    }
}
