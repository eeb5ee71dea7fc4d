//! What a run counted.

use std::time::Duration;

/// The counts of one run.
#[derive(Debug, Default)]
pub struct Report {
    /// Requests or calls that were started.
    pub started: usize,
    /// Those that ended as they should.
    pub succeeded: usize,
    /// Of these, those that had ended when the last one was started.
    pub in_time: usize,
    /// Those that got another final response than 200.
    pub refused: usize,
    /// Those that got no final response in time.
    pub timed_out: usize,
    /// Requests that this side had to send again.
    pub resent: usize,
    /// Requests and responses that the other side sent again.
    pub repeated: usize,
    /// From the first request to the end of the last.
    pub elapsed: Duration,
    /// From the time a first request was due to its 200, one entry each, in microseconds.
    pub latencies: Vec<u32>,
}

impl Report {
    /// Whether all that was started has ended, well or not.
    pub fn is_complete(&self, count: usize) -> bool {
        self.succeeded + self.refused + self.timed_out >= count
    }

    /// One line.
    pub fn to_json(&self) -> String {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        format!(
            concat!(
                r#"{{"started":{},"succeeded":{},"inTime":{},"refused":{},"timedOut":{},"resent":{},"repeated":{},"#,
                r#""seconds":{:.3},"p50":{},"p99":{},"max":{}}}"#
            ),
            self.started,
            self.succeeded,
            self.in_time,
            self.refused,
            self.timed_out,
            self.resent,
            self.repeated,
            self.elapsed.as_secs_f64(),
            quantile(&sorted, 50),
            quantile(&sorted, 99),
            quantile(&sorted, 100),
        )
    }
}

fn quantile(sorted: &[u32], percent: usize) -> u32 {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or(0)
}
