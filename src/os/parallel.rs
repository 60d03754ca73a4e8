//! Work that is mostly waiting for the kernel, divided among the processors.

use std::num::NonZeroUsize;
use std::thread;

/// From so many items on, several threads take a part each, at most so many.
const MANY: usize = 64;
const HELPERS: usize = 4;

/// What `work` makes of the items, in their order. Few are done at once, by this thread; many by several, a
/// run of neighbours each.
pub fn share<T: Sync, R: Send>(items: &[T], work: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    let helpers = if items.len() < MANY {
        1
    } else {
        thread::available_parallelism().map_or(1, NonZeroUsize::get).min(HELPERS)
    };
    if helpers == 1 {
        return work(items);
    }
    // The first part is this thread's own.
    let (first, rest) = items.split_at(items.len().div_ceil(helpers));
    thread::scope(|scope| {
        let work = &work;
        let spawn = |part| thread::Builder::new().spawn_scoped(scope, move || work(part)).map_err(|_| part);
        let others: Vec<_> = rest.chunks(first.len()).map(spawn).collect();
        let mut all = work(first);
        for other in others {
            all.extend(match other {
                Ok(other) => other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // No thread is left: then this one does it.
                Err(part) => work(part),
            });
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_once_and_in_order() {
        for count in [0, 1, MANY - 1, MANY, MANY + 1, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let odd = share(&items, |part| part.iter().copied().filter(|item| item % 2 == 1).collect());
            assert_eq!(odd, (0..count).filter(|item| item % 2 == 1).collect::<Vec<_>>());
        }
    }
}
