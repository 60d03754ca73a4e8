//! What a session costs that is only there.

use std::time::Duration;

use crate::feed::Feed;
use crate::inner;
use crate::metric::Metric;
use crate::outer::{Expect, Run};
use crate::processes;
use crate::results::Results;
use crate::tools::Tool;

/// Context switches of the tool's processes while nothing happens, a minute.
pub fn idle(tools: &[Tool], time: Duration, results: &mut Results) {
    let mut runs = Vec::new();
    for tool in tools {
        match Run::start(*tool, "idle") {
            Ok(run) => runs.push((*tool, run)),
            Err(failure) => results.fail(tool.name(), "idle", failure),
        }
    }
    // What a start leaves to be done is not rest yet.
    std::thread::sleep(time.min(Duration::from_secs(2)));
    let count = |run: &Run| processes::wakeups(&run.wrapper()).map_err(|error| error.to_string());
    let before: Vec<_> = runs.iter().map(|(_, run)| count(run)).collect();
    std::thread::sleep(time);
    let after: Vec<_> = runs.iter().map(|(_, run)| count(run)).collect();
    for (((tool, run), before), after) in runs.into_iter().zip(before).zip(after) {
        let figure = before.and_then(|before| Ok((after? - before) * 60.0 / time.as_secs_f64()));
        results.add(Metric::Idle, tool, figure.and_then(|figure| run.end().map(|()| figure)));
    }
}

/// Memory of the tool's processes (PSS, MiB), after the start and after much output.
pub fn memory(tool: Tool, flood: u64, results: &mut Results) {
    let flood = flood / tool.output_share();
    let look = |run: &Run| {
        // What is left to be done, such as feeding a screen model, is to be done by then.
        std::thread::sleep(Duration::from_millis(500));
        processes::memory(&run.wrapper()).map_err(|error| error.to_string())
    };
    match Run::start(tool, &format!("text:{flood}")) {
        Ok(mut run) => {
            results.add(Metric::MemoryStart, tool, look(&run));
            let expect = if tool.draws_anew() {
                Expect::Mark(inner::END)
            } else {
                Expect::Bytes(Feed::text(flood).then(inner::END_LINE))
            };
            let flooded = match run.transfer(Feed::once(b"G"), expect) {
                Ok(_) => look(&run).and_then(|figure| run.end().map(|()| figure)),
                Err(failure) => {
                    run.abort();
                    Err(failure)
                }
            };
            results.add(Metric::MemoryOutput, tool, flooded);
        }
        Err(failure) => results.fail(tool.name(), "memory", failure),
    }
}
