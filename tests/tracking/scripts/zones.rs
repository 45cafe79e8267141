//! Scripts for zones: `yard` is a square in the middle, with an inertia of half a second.

use super::{
    Script,
    actor::{car, person},
};

const YARD: &[(f64, f64)] = &[(0.3, 0.4), (0.7, 0.4), (0.7, 0.8), (0.3, 0.8)];

pub fn scripts() -> Vec<Script> {
    let yard = |name: &'static str| Script::new(name).zone("yard", YARD);
    let once = |script: Script| script.expect("yard entered", 1).expect("yard left", 1);
    vec![
        once(yard("in and out again").with(person(0.0, 0.1, 0.6).goes(6.0, 0.9, 0.6))),
        yard("passes by").with(person(0.0, 0.1, 0.85).goes(6.0, 0.9, 0.85)),
        yard("cuts the corner").with(person(0.0, 0.14, 0.545).goes(3.0, 0.44, 0.275)),
        once(yard("cuts the corner slowly").with(person(0.0, 0.2, 0.6).goes(6.0, 0.5, 0.3))),
        yard("stays outside at the edge").with(person(0.0, 0.1, 0.9).goes(2.0, 0.5, 0.80625).waits(8.0)),
        once(
            yard("stays inside at the edge")
                .with(person(0.0, 0.1, 0.9).goes(2.0, 0.5, 0.79375).waits(8.0).goes(10.0, 0.9, 0.9)),
        ),
        once(
            Script::new("leaves the frame inside the zone")
                .zone("yard", &[(0.5, 0.3), (1.0, 0.3), (1.0, 0.9), (0.5, 0.9)])
                .with(car(0.0, 0.2, 0.7).goes(5.0, 1.13, 0.7)),
        ),
        once(
            Script::new("comes into the frame inside the zone")
                .zone("yard", &[(0.5, 0.3), (1.0, 0.3), (1.0, 0.9), (0.5, 0.9)])
                .with(car(0.0, 1.13, 0.7).goes(5.0, 0.2, 0.7)),
        ),
        once(
            yard("vanishes for a second inside")
                .with(person(0.0, 0.1, 0.6).goes(3.0, 0.5, 0.6).waits(7.0).goes(10.0, 0.9, 0.6).hidden(4.5..5.5)),
        ),
        once(
            yard("walks on while it cannot be seen inside")
                .with(person(0.0, 0.1, 0.6).goes(8.0, 0.9, 0.6).hidden(3.6..4.6)),
        ),
        once(yard("appears inside").with(person(0.0, 0.5, 0.6).waits(2.0).goes(5.0, 0.9, 0.6))),
        once(yard("vanishes inside").with(person(0.0, 0.1, 0.6).goes(3.0, 0.5, 0.6).waits(5.0))),
        once(yard("a fast car through").with(car(0.0, -0.13, 0.6).goes(3.9, 1.13, 0.6))),
        yard("in and out three times")
            .with(
                person(0.0, 0.1, 0.6)
                    .goes(3.0, 0.5, 0.6)
                    .goes(6.0, 0.1, 0.6)
                    .goes(9.0, 0.5, 0.6)
                    .goes(12.0, 0.1, 0.6)
                    .goes(15.0, 0.5, 0.6)
                    .goes(18.0, 0.1, 0.6),
            )
            .expect("yard entered", 3)
            .expect("yard left", 3),
        yard("two that meet inside")
            .with(person(0.0, 0.1, 0.7).goes(6.0, 0.9, 0.7))
            .with(person(0.0, 0.9, 0.75).goes(6.0, 0.1, 0.75))
            .expect("yard entered", 2)
            .expect("yard left", 2),
        Script::new("from one zone into the one beside it")
            .zone("left", &[(0.2, 0.3), (0.5, 0.3), (0.5, 0.9), (0.2, 0.9)])
            .zone("right", &[(0.5, 0.3), (0.8, 0.3), (0.8, 0.9), (0.5, 0.9)])
            .with(person(0.0, 0.1, 0.6).goes(8.0, 0.9, 0.6))
            .expect("left entered", 1)
            .expect("left left", 1)
            .expect("right entered", 1)
            .expect("right left", 1),
        once(
            Script::new("the notch of a zone is outside")
                .zone("yard", &[(0.2, 0.3), (0.5, 0.75), (0.8, 0.3), (0.8, 0.95), (0.2, 0.95)])
                .with(person(0.0, 0.5, 0.35).goes(3.0, 0.5, 0.65).goes(8.0, 0.9, 0.65)),
        ),
        once(
            Script::new("by its centre")
                .zone("yard", &[(0.3, 0.3), (0.7, 0.3), (0.7, 0.6), (0.3, 0.6)])
                .by_centre()
                .with(person(0.0, 0.1, 0.65).goes(6.0, 0.9, 0.65)),
        ),
        once(
            yard("loiters")
                .loitering(3.0)
                .with(person(0.0, 0.1, 0.6).goes(2.0, 0.5, 0.6).waits(8.0).goes(10.0, 0.9, 0.6))
                .with(car(12.0, 0.1, 0.65).goes(14.0, 0.9, 0.65)),
        )
        .only(&["person"])
        .expect("yard loitering", 1),
        once(yard("does not loiter").loitering(6.0).with(person(0.0, 0.1, 0.6).goes(6.0, 0.9, 0.6))),
    ]
}
