//! One act, played again for each of its steps.

use std::path::Path;
use std::time::Duration;

use subrosa::domain::{Result, Timestamp};

use crate::checks::check;
use crate::observe::{Sight, look};
use crate::world::{Open, Plan, copy, make};

/// How old keys must be before the sweep of orphans takes them.
const OLD: Duration = Duration::from_secs(2 * 3_600);

/// An act on a vault, and what its caller does when it has no answer.
pub(crate) trait Scene {
    /// What the vault is like before; returns the time at which the act takes place.
    async fn prepare(&self, open: &Open) -> Timestamp;
    /// The act. It is done again, as it is, by a caller that got no answer.
    async fn act(&self, open: &Open) -> Result<()>;
    /// Whether the act shows in what callers see.
    fn shows(&self) -> bool {
        true
    }
}

/// What was tried.
#[derive(Default)]
struct Tried {
    steps: usize,
    stops: u64,
    stops_of_starts: u64,
    failures: u64,
}

/// Plays a scene with the world stopped at each step, and with each step failing; and where the start after it has steps of
/// its own, with the world stopped at each of those too.
pub(crate) async fn every_step(name: &str, scene: impl Scene) {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path()).await;
    let now = prepare(&scene, folder.path()).await;
    let course = Course::of(&scene, folder.path(), now).await;
    assert_eq!(course.before != course.after, scene.shows(), "{name}: what the act does to what is seen");
    let mut tried = Tried { steps: course.steps.len(), ..Tried::default() };
    for step in 0..course.steps.len() as u64 {
        let at = format!("{name}, stopped at step {step} ({})", course.steps[step as usize]);
        tried.stops_of_starts += stopped(&scene, folder.path(), now, step, &course, &at).await;
        tried.stops += 1;
        let at = format!("{name}, failed at step {step} ({})", course.steps[step as usize]);
        tried.failures += u64::from(failed(&scene, folder.path(), now, step, &course, &at).await);
    }
    println!(
        "{name}: {} steps; the world was stopped at {} points of it and at {} of the starts after, and {} steps failed",
        tried.steps, tried.stops, tried.stops_of_starts, tried.failures
    );
    assert!(tried.stops > 1 && tried.failures > 0, "{name}: nothing was tried");
}

async fn prepare(scene: &impl Scene, dir: &Path) -> Timestamp {
    let open = start(dir, crate::world::START.parse().unwrap()).await;
    let now = scene.prepare(&open).await;
    open.close().await;
    now
}

/// How the act goes when nothing comes in between.
struct Course {
    steps: Vec<&'static str>,
    before: Sight,
    after: Sight,
}

impl Course {
    async fn of(scene: &impl Scene, template: &Path, now: Timestamp) -> Self {
        let folder = copy(template);
        let open = start(folder.path(), now).await;
        let before = look(&open).await;
        open.switch.set(Plan::Count);
        scene.act(&open).await.unwrap();
        let steps = open.switch.names();
        let after = look(&open).await;
        scene.act(&open).await.unwrap();
        assert_eq!(look(&open).await, after, "the act, done again, does more");
        finish(open, folder.path(), now, "undisturbed").await;
        Self { steps, before, after }
    }
}

/// The world stops at `step`. Returns at how many steps of the start after it the world was stopped as well.
async fn stopped(scene: &impl Scene, template: &Path, now: Timestamp, step: u64, course: &Course, at: &str) -> u64 {
    let folder = copy(template);
    let open = start(folder.path(), now).await;
    open.switch.set(Plan::Stop(step));
    let answer = scene.act(&open).await;
    assert!(open.switch.struck(), "{at}: the act did not come so far");
    open.close().await;
    let mut stops = 0;
    // The start after it, cut short in its turn, until it is through before the world would stop.
    loop {
        let again = copy(folder.path());
        let start = Open::open(again.path(), now, Plan::Stop(stops)).await;
        match start {
            Ok(open) if !open.switch.struck() => {
                open.close().await;
                break;
            }
            Ok(open) => open.close().await,
            Err(_) => {}
        }
        let at = format!("{at}, and again at step {stops} of the start after");
        recover(scene, again.path(), now, answer.is_ok(), course, &at).await;
        stops += 1;
    }
    recover(scene, folder.path(), now, answer.is_ok(), course, at).await;
    stops
}

/// Starts what a stop left, and checks that the act was done or not done, and can be done.
async fn recover(scene: &impl Scene, dir: &Path, now: Timestamp, answered: bool, course: &Course, at: &str) {
    let open = match Open::open(dir, now, Plan::Count).await {
        Ok(open) => open,
        Err((error, _)) => panic!("{at}: the vault does not start: {error}"),
    };
    let seen = look(&open).await;
    assert!(seen == course.after || !answered, "{at}: what was acknowledged is not there");
    assert!(seen == course.before || seen == course.after, "{at}: half done: {seen:#?}");
    done_again(scene, &open, course, at).await;
    finish(open, dir, now, at).await;
}

/// One step fails, and the vault lives on. Returns whether a step that can fail was struck.
async fn failed(scene: &impl Scene, template: &Path, now: Timestamp, step: u64, course: &Course, at: &str) -> bool {
    if course.steps[step as usize].ends_with("committed") {
        return false;
    }
    let folder = copy(template);
    let open = start(folder.path(), now).await;
    open.switch.set(Plan::Fail(step));
    let answer = scene.act(&open).await;
    assert!(open.switch.struck(), "{at}: the act did not come so far");
    let seen = look(&open).await;
    assert!(seen == course.after || answer.is_err(), "{at}: what was acknowledged is not there");
    done_again(scene, &open, course, at).await;
    open.close().await;
    let open = start(folder.path(), now).await;
    assert_eq!(look(&open).await, course.after, "{at}: another start changes what is seen");
    finish(open, folder.path(), now, at).await;
    true
}

/// The caller asks again, with the same request, and everything is as if it had asked once.
async fn done_again(scene: &impl Scene, open: &Open, course: &Course, at: &str) {
    if let Err(error) = scene.act(open).await {
        panic!("{at}: the repeated request is refused: {error}");
    }
    assert_eq!(look(open).await, course.after, "{at}: the repeated request");
}

async fn start(dir: &Path, now: Timestamp) -> Open {
    Open::open(dir, now, Plan::Count).await.map_err(|(error, _)| error).unwrap()
}

/// Lets time pass, sweeps, stops, and checks the files.
async fn finish(open: Open, dir: &Path, now: Timestamp, at: &str) {
    open.clock.set(now.plus(OLD));
    open.vault.sweep_orphans().await.unwrap();
    open.close().await;
    check(dir, at);
}
