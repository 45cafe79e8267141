//! Figures as Markdown, which reads well on a terminal too.

use std::fmt::Write as _;

use serde::Deserialize;

use super::{Figures, NotRun, cameras::Held, pipeline::Round, sessions::Row, watch::Tried};

/// A full bar.
const WIDEST: f64 = 40.0;
/// Other programs' share of the cores from which on they are told of.
const DISTURBED: f64 = 0.1;

/// Everything that was measured.
pub fn markdown(figures: &Figures) -> String {
    let mut text = String::new();
    if !figures.rows.is_empty() {
        text.push_str(&sessions(&figures.rows));
    }
    if let Some(round) = figures.pipeline.as_ref().and_then(|value| Round::deserialize(value).ok()) {
        separate(&mut text);
        text.push_str(&pipeline(&round));
    }
    if let Some(held) = &figures.cameras {
        separate(&mut text);
        text.push_str(&cameras(held));
    }
    for NotRun { provider, model, reason } in &figures.not_run {
        let _ = writeln!(text, "\nnot run: {model} on {provider}: {reason}");
    }
    text
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push('\n');
    }
}

// Writing to a String cannot fail.
fn sessions(rows: &[Row]) -> String {
    let mut text = String::from(
        "| provider | library | model | batch | sessions | images/s | ms p50 | ms p95 | nodes | score diff. | error | opened in s |\n\
         |---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let or_dash = |figure: Option<f32>| figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.4}"));
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.1} | {:.2} | {:.2} | {:.1} % | {} | {} | {:.1} |",
            row.provider,
            row.library,
            row.model,
            row.batch,
            row.sessions,
            row.images_per_second,
            row.latency_ms_p50,
            row.latency_ms_p95,
            row.node_share * 100.0,
            or_dash(row.score_difference),
            or_dash(row.relative_error),
            row.open_seconds,
        );
    }
    text
}

fn pipeline(round: &Round) -> String {
    let Round { model, provider, width, height, sessions, sources, batch_mean, .. } = round;
    let (stages, inside) = (&round.stages, &round.in_pipeline);
    let mut text = format!(
        "{model} on {provider}, {width}x{height}: {sources} files decoded side by side, {sessions} sessions, batches of \
         {batch_mean:.1}.\n\n\
         | stage | CPU ms a frame | ms a frame by itself | ms a frame in the pipeline |\n|---|--:|--:|--:|\n"
    );
    let rows = [
        ("decode", Some(stages.decode), None),
        ("wait", None, Some(inside.queue_ms)),
        ("preprocess", Some(stages.preprocess), Some(inside.preprocess_ms)),
        ("inference", Some(stages.inference), Some(inside.inference_ms)),
        ("postprocess", Some(stages.postprocess), Some(inside.postprocess_ms)),
        ("observation", None, Some(inside.observation_ms)),
    ];
    let or_dash = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.3}"));
    for (name, alone, inside) in rows {
        let (cpu, wall) = (alone.map(|it| it.cpu_ms), alone.map(|it| it.wall_ms));
        let _ = writeln!(text, "| {name} | {} | {} | {} |", or_dash(cpu), or_dash(wall), or_dash(inside));
    }
    text.push_str("\n| | frames/s | CPU ms a frame |\n|---|--:|--:|\n");
    let whole = [
        ("session alone", round.session),
        ("detector", round.detector),
        ("decode beside session", round.bare),
        ("whole pipeline", round.pipeline),
    ];
    let plain = round.plain_session.map(|plain| ("the model as it comes", plain));
    for (name, figure) in plain.into_iter().chain(whole) {
        let _ = writeln!(text, "| {name} | {:.1} | {:.3} |", figure.frames_per_second, figure.cpu_ms);
    }
    let explained = stages.decode.cpu_ms + stages.preprocess.cpu_ms + round.session.cpu_ms + stages.postprocess.cpu_ms;
    let bars = [
        ("decode", stages.decode.cpu_ms),
        ("preprocess", stages.preprocess.cpu_ms),
        ("inference", round.session.cpu_ms),
        ("postprocess", stages.postprocess.cpu_ms),
        ("all the rest", (round.pipeline.cpu_ms - explained).max(0.0)),
        ("pipeline", round.pipeline.cpu_ms),
    ];
    text.push_str("\n```text\nCPU ms a frame\n");
    for (name, ms) in bars {
        let _ = writeln!(text, "{name:<12} {ms:>7.3}  {}", bar(ms, round.pipeline.cpu_ms));
    }
    let _ = writeln!(
        text,
        "```\n\nOf the whole pipeline's CPU time decoding and network are {:.3} each by itself, {:.3} beside each other; all four \
         stages, each by itself, {:.3}. {} frames inferred, {} dropped, {} events.",
        round.overhead_ratio, round.bare_ratio, round.stages_ratio, round.inferred, round.dropped, round.events
    );
    if let Some(ratio) = round.plain_ratio {
        let _ = writeln!(text, "Decoding and the model as it comes, each by itself, are {ratio:.3} of it.");
    }
    text
}

/// 15, and 29.97 of a video's 30000/1001.
fn rounded(fps: f64) -> f64 {
    (fps * 1000.0).round() / 1000.0
}

fn cameras(held: &Held) -> String {
    let Held { model, provider, sent, limits, .. } = held;
    let mut text = format!(
        "{model} on {provider}; simulated cameras of {}x{} at {} fps, {} kbit/s each. Held: at most {:.0} % of the frames \
         lost, results at p95 at most {:.0} ms old.\n\n\
         | cameras | lost | ms old p50 | p95 | decoded | waited | in a batch | cores: pipeline | cameras | all | of | |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n",
        sent.width,
        sent.height,
        rounded(sent.fps),
        sent.kilobits,
        limits.lost * 100.0,
        limits.age_ms_p95
    );
    for tried in &held.tries {
        let _ = writeln!(
            text,
            "| {} | {:.1} % | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} | {:.2} | {:.2} | {} | {} |",
            tried.cameras,
            tried.lost * 100.0,
            tried.age_ms_p50,
            tried.age_ms_p95,
            tried.decoded_ms,
            tried.queue_ms,
            tried.batch_ms,
            tried.cores_pipeline,
            tried.cores_cameras,
            tried.cores_busy,
            tried.cores,
            if tried.holds { "held" } else { "not held" },
        );
    }
    text.push_str("\n```text\nbusy cores: █ the pipeline, ▒ the simulated cameras, ░ everything else\n");
    let mut in_order: Vec<_> = held.tries.iter().collect();
    in_order.sort_by_key(|tried| tried.cameras);
    for tried in in_order {
        let verdict = if tried.holds { "held" } else { "not held" };
        let bar = shares(&[tried.cores_pipeline, tried.cores_cameras, tried.cores_others()], tried.cores as f64);
        let _ = writeln!(text, "{:>4} cameras {:>5.2}  {bar:<40} {verdict}", tried.cameras, tried.cores_busy);
    }
    let _ = writeln!(text, "```\n\nThis machine holds {} cameras at {} fps.", held.held, rounded(sent.fps));
    if let Some(limited_by) = &held.limited_by {
        let _ = writeln!(text, "What limited more: {limited_by}.");
    }
    let others = held.tries.iter().map(Tried::cores_others).fold(0.0, f64::max);
    let cores = held.tries.first().map_or(1, |tried| tried.cores);
    if others > DISTURBED * cores as f64 {
        let _ = writeln!(
            text,
            "Other programs kept up to {others:.2} cores busy meanwhile: without them it may hold more."
        );
    }
    text
}

/// One bar of several parts, each drawn in its own way.
fn shares(parts: &[f64; 3], most: f64) -> String {
    let (mut drawn, mut sum) = (String::new(), 0.0);
    for (part, block) in parts.iter().zip(['█', '▒', '░']) {
        // From sum to sum, so that rounding does not add up.
        let from = length(sum, most);
        sum += part;
        drawn.extend(std::iter::repeat_n(block, length(sum, most) - from));
    }
    drawn
}

/// Blocks of a bar that is full with `most`.
fn length(figure: f64, most: f64) -> usize {
    if most > 0.0 { (figure / most * WIDEST).clamp(0.0, WIDEST).round() as usize } else { 0 }
}

/// A bar that is full with `most`; what is more than nothing shows.
fn bar(figure: f64, most: f64) -> String {
    let full = length(figure, most);
    if full == 0 && figure > 0.0 { "▏".to_owned() } else { "█".repeat(full) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_share() {
        assert_eq!(bar(1.0, 2.0).chars().count(), 20);
        assert_eq!(bar(3.0, 2.0).chars().count(), 40);
        assert_eq!(shares(&[0.5, 0.25, 0.25], 2.0), "██████████▒▒▒▒▒░░░░░");
        assert_eq!((bar(0.001, 2.0), bar(0.0, 2.0), bar(1.0, 0.0)), ("▏".into(), String::new(), "▏".into()));
    }
}
