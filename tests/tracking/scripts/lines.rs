//! Scripts for lines. `across` is drawn from left to right, so `in` is downwards; a person is clear of it from 0.025
//! on. `upwards` is drawn from the bottom to the top, so `in` is to the right; a car is clear of it from 0.026 on.

use super::{
    Script,
    actor::{car, person},
};

const ACROSS: [(f64, f64); 2] = [(0.2, 0.6), (0.8, 0.6)];
const UPWARDS: [(f64, f64); 2] = [(0.5, 0.9), (0.5, 0.3)];

pub fn scripts() -> Vec<Script> {
    let across = |name: &'static str| Script::new(name).line("across", ACROSS);
    let upwards = |name: &'static str| Script::new(name).line("upwards", UPWARDS);
    vec![
        across("straight crossing").with(person(0.0, 0.5, 0.4).goes(5.0, 0.5, 0.85)).expect("across in", 1),
        across("straight crossing, the other way")
            .with(person(0.0, 0.5, 0.85).goes(5.0, 0.5, 0.4))
            .expect("across out", 1),
        across("askew").with(person(0.0, 0.25, 0.45).goes(5.0, 0.7, 0.8)).expect("across in", 1),
        across("turns back before the line").with(person(0.0, 0.5, 0.4).goes(3.0, 0.5, 0.58).goes(6.0, 0.5, 0.4)),
        across("turns back on the line")
            .with(person(0.0, 0.5, 0.4).goes(3.0, 0.5, 0.605).waits(4.0).goes(7.0, 0.5, 0.4)),
        across("stands on the line, then goes on")
            .with(person(0.0, 0.5, 0.4).goes(3.0, 0.5, 0.6).waits(6.0).goes(8.0, 0.5, 0.8))
            .expect("across in", 1),
        across("jumps over the line in one frame")
            .with(person(0.0, 0.5, 0.53).waits(3.0).goes(3.001, 0.5, 0.69).waits(6.0))
            .expect("across in", 1),
        across("around the end of the line")
            .with(person(0.0, 0.7, 0.5).goes(2.0, 0.9, 0.5).goes(4.0, 0.9, 0.75).goes(6.0, 0.7, 0.75)),
        across("around the end, and back through the line")
            .with(
                person(0.0, 0.7, 0.5)
                    .goes(2.0, 0.9, 0.5)
                    .goes(4.0, 0.9, 0.75)
                    .goes(6.0, 0.7, 0.75)
                    .goes(8.0, 0.7, 0.45)
                    .waits(10.0),
            )
            .expect("across out", 1),
        across("just inside and just outside the end")
            .with(person(0.0, 0.76, 0.4).goes(5.0, 0.76, 0.8))
            .with(person(6.0, 0.84, 0.4).goes(11.0, 0.84, 0.8))
            .expect("across in", 1),
        across("along the line").with(person(0.0, 0.08, 0.6125).goes(8.0, 0.92, 0.6125)),
        across("along the line, so near that jitter is on both sides of it")
            .with(person(0.0, 0.08, 0.603).goes(8.0, 0.92, 0.603)),
        across("two in opposite directions")
            .with(person(0.0, 0.42, 0.4).goes(5.0, 0.42, 0.85))
            .with(person(0.0, 0.58, 0.85).goes(5.0, 0.58, 0.4))
            .expect("across in", 1)
            .expect("across out", 1),
        upwards("two that hide each other while they meet on the line")
            .with(person(0.0, 0.2, 0.7).goes(6.0, 0.8, 0.7))
            .with(person(0.0, 0.8, 0.75).goes(6.0, 0.2, 0.75))
            .expect("upwards in", 1)
            .expect("upwards out", 1),
        across("back and forth three times")
            .with(
                person(0.0, 0.5, 0.45)
                    .goes(2.0, 0.5, 0.75)
                    .goes(4.0, 0.5, 0.45)
                    .goes(6.0, 0.5, 0.75)
                    .goes(8.0, 0.5, 0.45)
                    .goes(10.0, 0.5, 0.75)
                    .goes(12.0, 0.5, 0.45),
            )
            .expect("across in", 3)
            .expect("across out", 3),
        across("starts on the line, just beyond it, and goes on")
            .with(person(0.0, 0.5, 0.6125).waits(2.0).goes(5.0, 0.5, 0.85)),
        across("starts on the line, just beyond it, and goes back")
            .with(person(0.0, 0.5, 0.6125).waits(2.0).goes(5.0, 0.5, 0.4))
            .expect("across out", 1),
        across("crosses as soon as it is there")
            .with(person(0.0, 0.5, 0.57).goes(0.8, 0.5, 0.65).goes(3.0, 0.5, 0.85))
            .expect("across in", 1),
        across("crosses while nobody sees it")
            .with(person(0.0, 0.5, 0.45).goes(5.0, 0.5, 0.8).hidden(1.6..2.7))
            .expect("across in", 1),
        across("vanishes clear behind the line")
            .with(person(0.0, 0.5, 0.4).goes(4.0, 0.5, 0.65).waits(6.0))
            .expect("across in", 1),
        upwards("a fast car").with(car(0.0, -0.13, 0.7).goes(2.8, 1.13, 0.7)).expect("upwards in", 1),
        upwards("a car that starts fast")
            .with(car(0.0, 0.25, 0.7).waits(2.0).goes(3.6, 0.75, 0.7).waits(6.0))
            .expect("upwards in", 1),
        upwards("three in a row")
            .with(person(0.0, 0.2, 0.7).goes(6.0, 0.8, 0.7))
            .with(person(1.2, 0.2, 0.7).goes(7.2, 0.8, 0.7))
            .with(person(2.4, 0.2, 0.7).goes(8.4, 0.8, 0.7))
            .expect("upwards in", 3),
        upwards("only the labels that count")
            .only(&["person"])
            .with(person(0.0, 0.2, 0.8).goes(5.0, 0.8, 0.8))
            .with(car(0.0, 0.8, 0.5).goes(5.0, 0.2, 0.5))
            .expect("upwards in", 1),
    ]
}
