//! The recording with what the pipeline made of it drawn in: boxes, tracks, zones, lines and their counts.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    time::Duration,
};

use sightline_core::{
    event::Retained,
    frame::FrameView,
    geometry::{Point, Polygon},
    objects::ObjectObserver,
    plan::CameraPlan,
    track::Track,
};
use sightline_media::VideoWriter;

use crate::canvas::{Canvas, Color, color_of};

const ZONE: Color = Color::new(80, 160, 255);
const LINE: Color = Color::new(255, 80, 80);
const MASK: Color = Color::new(130, 130, 130);
/// So many sightings of an object are drawn as its way.
const LONGEST_WAY: usize = 60;
/// Only what the file says of itself: each picture has its own time.
const NOMINAL_FPS: f64 = 25.0;

/// The video that is being written.
pub struct Drawing {
    path: PathBuf,
    camera: CameraPlan,
    /// Made with the first frame, whose size it has.
    video: Option<VideoWriter>,
    /// Where each object stood, latest last.
    ways: BTreeMap<u64, VecDeque<Point>>,
}

impl Drawing {
    /// A drawing of that camera's zones and lines, into the MP4 file `path`.
    pub fn new(path: &Path, camera: &CameraPlan) -> Self {
        Self { path: path.to_owned(), camera: camera.clone(), video: None, ways: BTreeMap::new() }
    }

    /// Draws one frame after it was observed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn frame(&mut self, view: FrameView<'_>, observer: &ObjectObserver, pts: Duration) -> anyhow::Result<()> {
        let mut canvas = Canvas::new(view)?;
        let counts: Vec<Retained> = observer.counts().collect();
        self.places(&mut canvas, &counts);
        self.ways.retain(|id, _| observer.tracks().any(|track| track.id == Some(*id)));
        for track in observer.tracks() {
            self.object(&mut canvas, track, observer);
        }
        let picture = canvas.into_picture();
        let video = match &mut self.video {
            Some(video) => video,
            None => self.video.insert(VideoWriter::create(&self.path, picture.width(), picture.height(), NOMINAL_FPS)?),
        };
        Ok(video.write(picture.as_raw(), pts)?)
    }

    /// Completes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> anyhow::Result<()> {
        if let Some(video) = self.video {
            video.finish()?;
        }
        Ok(())
    }

    fn places(&self, canvas: &mut Canvas, counts: &[Retained]) {
        for mask in &self.camera.masks {
            canvas.path(outline(mask), MASK);
        }
        for zone in &self.camera.zones {
            canvas.path(outline(&zone.polygon), ZONE);
            let mut words = zone.id.to_string();
            for count in counts {
                if let Retained::Zone { zone: of, label, inside: inside @ 1.., .. } = count
                    && *of == zone.id
                {
                    words.push_str(&format!(" {label} {inside}"));
                }
            }
            canvas.text(&words, highest(&zone.polygon), ZONE);
        }
        for line in &self.camera.lines {
            canvas.path([line.from, line.to], LINE);
            for count in counts {
                if let Retained::Line { line: of, crossings, .. } = count
                    && *of == line.id
                {
                    let words = format!("{} in {} out {}", line.id, crossings.r#in, crossings.out);
                    canvas.text(&words, line.from, LINE);
                }
            }
        }
    }

    /// An object where it is, and dimly, without its way, where it was last seen.
    fn object(&mut self, canvas: &mut Canvas, track: &Track, observer: &ObjectObserver) {
        let (Some(id), Some(label)) = (track.id, observer.label(track.class_id)) else { return };
        if !track.is_seen() {
            canvas.labelled_box(track.bbox, &format!("{label} {id} not seen"), MASK);
            return;
        }
        let way = self.ways.entry(id).or_default();
        way.push_back(track.smoothed.foot());
        if way.len() > LONGEST_WAY {
            way.pop_front();
        }
        let color = color_of(label);
        canvas.path(way.iter().copied(), color);
        let state = if track.stationary { " stationary" } else { "" };
        canvas.labelled_box(track.bbox, &format!("{label} {id} {:.2}{state}", track.score), color);
    }
}

/// The corners, and the first one again.
fn outline(polygon: &Polygon) -> impl Iterator<Item = Point> {
    let corners = polygon.corners();
    corners.iter().chain(corners.first()).copied()
}

fn highest(polygon: &Polygon) -> Point {
    let higher = |one: Point, other: &Point| if other.y < one.y { *other } else { one };
    polygon.corners().iter().fold(Point { x: 0.0, y: f32::INFINITY }, higher)
}
