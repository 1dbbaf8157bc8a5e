//! Work on several threads, results in order.

use std::cmp::Reverse;
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
    each: impl FnMut(usize, R) -> Result<(), E>,
) -> Result<(), E> {
    begun_by(|turn| turn, (count, jobs), work, each)
}

/// The same for as many indices as there are weights; where several threads share the work, what weighs most is begun first, so that
/// none of them is left alone with it in the end.
pub fn heaviest_first<R: Send, E>(
    weights: &[usize],
    jobs: usize,
    work: impl Fn(usize, Option<usize>) -> Option<R> + Sync,
    each: impl FnMut(usize, R) -> Result<(), E>,
) -> Result<(), E> {
    let mut turns: Vec<usize> = (0..weights.len()).collect();
    if jobs > 1 {
        turns.sort_by_key(|index| Reverse(weights[*index]));
    }
    begun_by(|turn| turns[turn], (weights.len(), jobs), work, each)
}

/// `at` tells the index whose turn it is.
fn begun_by<R: Send, E>(
    at: impl Fn(usize) -> usize + Sync,
    (count, jobs): (usize, usize),
    work: impl Fn(usize, Option<usize>) -> Option<R> + Sync,
    mut each: impl FnMut(usize, R) -> Result<(), E>,
) -> Result<(), E> {
    let cpus = allowed_cpus();
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for worker in 0..jobs.min(count) {
            let (sender, at, work, next, stop) = (sender.clone(), &at, &work, &next, &stop);
            let cpu = (!cpus.is_empty()).then(|| cpus[worker % cpus.len()]);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    if turn >= count {
                        break;
                    }
                    let index = at(turn);
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
    use std::sync::{Barrier, Mutex};
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
    fn the_heaviest_are_begun_first() {
        for (jobs, expected) in [(1, [0, 1]), (2, [1, 4])] {
            let begun = Mutex::new(Vec::new());
            let first = Barrier::new(jobs);
            let mut seen = Vec::new();
            let work = |index, _| {
                let turn = {
                    let mut begun = begun.lock().unwrap();
                    begun.push(index);
                    begun.len()
                };
                // Nobody takes another one before each has its first.
                if turn <= jobs {
                    first.wait();
                }
                Some(index)
            };
            heaviest_first(&[3, 9, 3, 1, 7], jobs, work, |index, _| {
                seen.push(index);
                Ok::<_, ()>(())
            })
            .unwrap();
            let mut begun = begun.into_inner().unwrap();
            begun[..jobs].sort_unstable();
            assert_eq!((&begun[..jobs], seen), (&expected[..jobs], vec![0, 1, 2, 3, 4]), "{jobs} jobs");
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
