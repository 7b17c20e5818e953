//! Looks now and then after what no request would notice in time: whether the database takes writes, and whether the
//! clock jumps.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use prediction_domain::use_cases::ClockWatch;
use prediction_http::Api;

use crate::background::{BackgroundThread, Stopped};

/// How often it looks. What it writes is next to nothing, but the disk is waited for.
const EVERY: Duration = Duration::from_secs(10);
/// The same while the database takes no writes: each time, all connections are made anew, in case another server does.
const WITHOUT_WRITES_EVERY: Duration = Duration::from_secs(30);

/// Starts it. It looks at once.
pub(crate) fn start(api: web::Data<Api>, clock: Arc<ClockWatch>) -> anyhow::Result<BackgroundThread> {
    BackgroundThread::start("watch", move |stopped| watch(&api, &clock, stopped))
}

fn watch(api: &Api, clock: &ClockWatch, stopped: &Stopped) {
    let (mut was_writable, mut was_believed) = (true, true);
    loop {
        let is_writable = api.try_write();
        if is_writable != was_writable {
            if is_writable {
                tracing::info!("the database takes writes again");
            } else {
                tracing::error!("the database takes no writes: it is read-only or full");
            }
            was_writable = is_writable;
        }
        let seconds = clock.deviation().num_seconds();
        if (seconds == 0) != was_believed {
            was_believed = seconds == 0;
            if was_believed {
                tracing::info!("the clock is believed again");
            } else {
                tracing::error!(seconds, "the clock has jumped ahead of the time that has passed, or back");
            }
        }
        let pause = if is_writable { EVERY } else { WITHOUT_WRITES_EVERY };
        if !stopped.rest(pause) {
            break;
        }
    }
}
