//! Closes connections that are too old or unused for too long, and keeps the minimum open.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use photon_runtime::{Wait, sleep, timeout, try_spawn};

use super::Shared;

/// Starts the pool's reaper when its first connection is opened. It ends with the pool.
pub(super) fn start(pool: &Arc<Shared>) {
    if has_work(pool) && !pool.reaped.swap(true, Ordering::Relaxed) {
        let pause = pause(pool);
        let pool = Arc::downgrade(pool);
        // Without it, connections only live longer than they should.
        let _ = try_spawn(move || run(&pool, pause));
    }
}

fn has_work(pool: &Shared) -> bool {
    let options = &pool.options;
    options.idle_timeout.is_some() || options.max_lifetime.is_some() || options.min_connections > 0
}

/// Often enough that nothing outlives its time by more than a quarter.
fn pause(pool: &Shared) -> Duration {
    let options = &pool.options;
    let shortest = options.idle_timeout.into_iter().chain(options.max_lifetime).min();
    shortest
        .map_or(Duration::from_secs(30), |time| time / 4)
        .clamp(Duration::from_millis(50), Duration::from_secs(30))
}

fn run(pool: &Weak<Shared>, pause: Duration) {
    loop {
        {
            let Some(pool) = pool.upgrade() else { return };
            if pool.lock().is_closed() {
                return;
            }
            prune(&pool);
            fill(&pool);
        }
        sleep(pause);
    }
}

fn prune(pool: &Arc<Shared>) {
    let since = pool.options.idle_timeout.and_then(|time| Instant::now().checked_sub(time));
    let pruned = pool.lock().prune(since, pool.options.min_connections);
    pruned.into_iter().for_each(|live| pool.discard(live));
}

fn fill(pool: &Arc<Shared>) {
    loop {
        let permit = pool.lock().missing(pool.options.min_connections, pool);
        let Some(permit) = permit else { return };
        let opened = timeout(pool.options.acquire_timeout, permit.open(&mut None)).wait();
        // Dropping the lease makes it idle. A server that is not there is tried again next time.
        if !matches!(opened, Ok(Ok(_))) {
            return;
        }
    }
}
