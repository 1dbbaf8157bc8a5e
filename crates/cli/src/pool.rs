//! Work on several threads, results in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

/// Calls `work` with every index below `count`, on `jobs` threads, and `each` with the results, on this thread and in the order
/// of the indices. `work` also gets a CPU of its thread's own, where there are enough.
///
/// `None` from `work` or an error from `each` ends the pool early: work under way is finished, nothing new is begun, and the
/// results there are still reach `each`.
pub fn in_order<R: Send, E>(
    count: usize,
    jobs: usize,
    work: impl Fn(usize, Option<usize>) -> Option<R> + Sync,
    mut each: impl FnMut(usize, R) -> Result<(), E>,
) -> Result<(), E> {
    let cpus = allowed_cpus();
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for worker in 0..jobs.min(count) {
            let (sender, work, next, stop) = (sender.clone(), &work, &next, &stop);
            let cpu = (!cpus.is_empty()).then(|| cpus[worker % cpus.len()]);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    match work(index, cpu) {
                        // The receiver lives until every sender is gone.
                        Some(result) => drop(sender.send((index, result))),
                        None => stop.store(true, Ordering::Relaxed),
                    }
                }
            });
        }
        drop(sender);

        let mut waiting = BTreeMap::new();
        let mut due = 0;
        let mut outcome = Ok(());
        let mut hand_over = |index, result| {
            if outcome.is_ok() {
                outcome = each(index, result);
                if outcome.is_err() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
        };
        for (index, result) in receiver {
            waiting.insert(index, result);
            while let Some(result) = waiting.remove(&due) {
                hand_over(due, result);
                due += 1;
            }
        }
        // Only after an early end: what lies beyond the first gap.
        for (index, result) in waiting {
            hand_over(index, result);
        }
        outcome
    })
}

/// The CPUs that this process may use; none if the system does not say.
pub fn allowed_cpus() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(Pid::from_raw(0)) else { return Vec::new() };
    (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_come_in_order_whoever_is_first() {
        for jobs in [1, 2, 8] {
            let mut seen = Vec::new();
            let slow_first = |index, _| {
                thread::sleep(Duration::from_millis(if index % 3 == 0 { 4 } else { 0 }));
                Some(index * 10)
            };
            in_order(20, jobs, slow_first, |index, result| {
                seen.push((index, result));
                Ok::<_, ()>(())
            })
            .unwrap();
            assert_eq!(seen, (0..20).map(|index| (index, index * 10)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_early_end_keeps_what_was_done() {
        let mut seen = Vec::new();
        in_order(
            1000,
            1,
            |index, _| (index < 5).then_some(index),
            |index, _| {
                seen.push(index);
                Ok::<_, ()>(())
            },
        )
        .unwrap();
        assert_eq!(seen, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn an_error_ends_the_pool() {
        let mut calls = 0;
        let result = in_order(
            1000,
            2,
            |index, _| Some(index),
            |_, _| {
                calls += 1;
                Err("full")
            },
        );
        assert_eq!(result.unwrap_err(), "full");
        assert_eq!(calls, 1);
    }
}
