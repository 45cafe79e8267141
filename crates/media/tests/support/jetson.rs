//! Stand-ins for NVIDIA's elements of a Jetson: of the same names, ranks, caps and properties, and made of GStreamer's own.
//!
//! What they do not stand in for: the hardware, its driver, its speed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use gst::{glib, prelude::*};
use gstreamer as gst;

/// How often a decoder was asked to negotiate anew from behind.
pub static RECONFIGURED: AtomicUsize = AtomicUsize::new(0);

/// Whether the last compositor was told to blend neighbours.
pub static BLENDS: AtomicBool = AtomicBool::new(false);

/// Where JetPack has it: before libav's (256).
fn rank() -> gst::Rank {
    gst::Rank::PRIMARY + 11
}

/// To be called before the first stream; one process has one registry.
pub fn install_nvv4l2decoder() {
    gst::init().unwrap();
    gst::Element::register(None, "nvv4l2decoder", rank(), Decoder::static_type()).unwrap();
}

pub fn install_nvvidconv() {
    gst::init().unwrap();
    gst::Element::register(None, "nvvidconv", gst::Rank::PRIMARY, Compositor::static_type()).unwrap();
}

glib::wrapper! {
    /// NV12 in NVMM only.
    pub struct Decoder(ObjectSubclass<decoder::Decoder>) @extends gst::Bin, gst::Element, gst::Object;
}

glib::wrapper! {
    /// From NVMM into memory, scaled to whatever is asked for.
    pub struct Compositor(ObjectSubclass<compositor::Compositor>) @extends gst::Bin, gst::Element, gst::Object;
}

glib::wrapper! {
    /// Says of the same bytes that they are in NVMM, or are not.
    pub struct Relabel(ObjectSubclass<relabel::Relabel>) @extends gst::Element, gst::Object;
}

/// `video/x-raw`, in NVMM or not.
fn raw(in_nvmm: bool) -> gst::Caps {
    let features = if in_nvmm { "(memory:NVMM)" } else { "" };
    format!("video/x-raw{features}").parse().unwrap()
}

fn template(name: &str, direction: gst::PadDirection, caps: &gst::Caps) -> gst::PadTemplate {
    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, caps).unwrap()
}

/// Fills a bin, and shows the chain's ends as its pads.
fn fill(bin: &gst::Bin, chain: &[&gst::Element]) {
    bin.add_many(chain).unwrap();
    gst::Element::link_many(chain).unwrap();
    for (name, element) in [("sink", chain.first()), ("src", chain.last())] {
        let target = element.unwrap().static_pad(name).unwrap();
        let template = bin.pad_template(name).unwrap();
        let pad = gst::GhostPad::from_template_with_target(&template, &target).unwrap();
        bin.add_pad(&pad).unwrap();
    }
}

fn element(factory: &str) -> gst::Element {
    gst::ElementFactory::make(factory).build().unwrap()
}

mod decoder {
    use gst::subclass::prelude::*;

    use super::*;

    #[derive(Default)]
    pub struct Decoder;

    #[glib::object_subclass]
    impl ObjectSubclass for Decoder {
        const NAME: &'static str = "StandInNvV4l2Decoder";
        type Type = super::Decoder;
        type ParentType = gst::Bin;
    }

    impl ObjectImpl for Decoder {
        fn constructed(&self) {
            self.parent_constructed();
            let (filter, relabel) = (element("capsfilter"), Relabel::new(true));
            filter.set_property("caps", "video/x-raw,format=NV12".parse::<gst::Caps>().unwrap());
            let chain = [&element("avdec_h264"), &element("videoconvert"), &filter, relabel.upcast_ref()];
            fill(self.obj().upcast_ref(), &chain);
            let count = |_: &gst::Pad, info: &mut gst::PadProbeInfo<'_>| {
                if info.event().is_some_and(|event| event.type_() == gst::EventType::Reconfigure) {
                    RECONFIGURED.fetch_add(1, Ordering::SeqCst);
                }
                gst::PadProbeReturn::Ok
            };
            let src = self.obj().static_pad("src").unwrap();
            src.add_probe(gst::PadProbeType::EVENT_UPSTREAM, count);
        }
    }

    impl GstObjectImpl for Decoder {}
    impl BinImpl for Decoder {}

    impl ElementImpl for Decoder {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: std::sync::LazyLock<gst::subclass::ElementMetadata> = std::sync::LazyLock::new(|| {
                gst::subclass::ElementMetadata::new("stand-in", "Codec/Decoder/Video", "stands in", "nobody")
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: std::sync::LazyLock<[gst::PadTemplate; 2]> = std::sync::LazyLock::new(|| {
                let encoded = "video/x-h264,stream-format=byte-stream,alignment=au".parse().unwrap();
                [
                    template("sink", gst::PadDirection::Sink, &encoded),
                    template("src", gst::PadDirection::Src, &raw(true)),
                ]
            });
            &*TEMPLATES
        }
    }
}

mod compositor {
    use gst::subclass::prelude::*;

    use super::*;

    /// Of the real one's values those that videoscale has too, and the real one's default.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, glib::Enum)]
    #[enum_type(name = "StandInInterpolationMethod")]
    pub enum Interpolation {
        #[default]
        #[enum_value(name = "Nearest", nick = "Nearest")]
        Nearest,
        #[enum_value(name = "Bilinear", nick = "Bilinear")]
        Bilinear,
    }

    #[derive(Default)]
    pub struct Compositor(std::sync::OnceLock<gst::Element>);

    #[glib::object_subclass]
    impl ObjectSubclass for Compositor {
        const NAME: &'static str = "StandInNvVidConv";
        type Type = super::Compositor;
        type ParentType = gst::Bin;
    }

    impl ObjectImpl for Compositor {
        fn constructed(&self) {
            self.parent_constructed();
            let scale = self.0.get_or_init(|| element("videoscale"));
            scale.set_property("add-borders", false);
            scale.set_property_from_str("method", "nearest-neighbour");
            fill(self.obj().upcast_ref(), &[Relabel::new(false).upcast_ref(), scale]);
            // As if the compositor said nothing of what colours its pictures have.
            let src = scale.static_pad("src").unwrap();
            src.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
                if let Some(gst::EventView::Caps(caps)) = info.event().map(|event| event.view()) {
                    let mut caps = caps.caps_owned();
                    caps.make_mut().iter_mut().for_each(|structure| structure.remove_field("colorimetry"));
                    info.data = Some(gst::PadProbeData::Event(gst::event::Caps::new(&caps)));
                }
                gst::PadProbeReturn::Ok
            });
        }

        fn properties() -> &'static [glib::ParamSpec] {
            static PROPERTIES: std::sync::LazyLock<[glib::ParamSpec; 1]> = std::sync::LazyLock::new(|| {
                [glib::ParamSpecEnum::builder::<Interpolation>("interpolation-method").build()]
            });
            &*PROPERTIES
        }

        fn set_property(&self, _: usize, value: &glib::Value, _: &glib::ParamSpec) {
            let interpolation = value.get().unwrap();
            BLENDS.store(interpolation == Interpolation::Bilinear, Ordering::SeqCst);
            let method = match interpolation {
                Interpolation::Nearest => "nearest-neighbour",
                Interpolation::Bilinear => "bilinear",
            };
            self.0.get().unwrap().set_property_from_str("method", method);
        }
    }

    impl GstObjectImpl for Compositor {}
    impl BinImpl for Compositor {}

    impl ElementImpl for Compositor {
        fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
            static METADATA: std::sync::LazyLock<gst::subclass::ElementMetadata> = std::sync::LazyLock::new(|| {
                gst::subclass::ElementMetadata::new("stand-in", "Filter/Converter/Video/Scaler", "stands in", "nobody")
            });
            Some(&METADATA)
        }

        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: std::sync::LazyLock<[gst::PadTemplate; 2]> = std::sync::LazyLock::new(|| {
                [
                    template("sink", gst::PadDirection::Sink, &raw(true)),
                    template("src", gst::PadDirection::Src, &raw(false)),
                ]
            });
            &*TEMPLATES
        }
    }
}

mod relabel {
    use gst::subclass::prelude::*;

    use super::*;

    #[derive(Default)]
    pub struct Relabel;

    #[glib::object_subclass]
    impl ObjectSubclass for Relabel {
        const NAME: &'static str = "StandInRelabel";
        type Type = super::Relabel;
        type ParentType = gst::Element;
    }

    impl ObjectImpl for Relabel {}
    impl GstObjectImpl for Relabel {}
    impl ElementImpl for Relabel {}
}

impl Relabel {
    fn new(into_nvmm: bool) -> Self {
        let relabel: Self = glib::Object::new();
        let pads = [("sink", gst::PadDirection::Sink, !into_nvmm), ("src", gst::PadDirection::Src, into_nvmm)];
        let [sink, src] = pads.map(|(name, direction, in_nvmm)| {
            let template = template(name, direction, &raw(in_nvmm));
            let pad = gst::Pad::builder_from_template(&template).query_function(move |pad, parent, query| {
                let caps = raw(in_nvmm);
                match query.view_mut() {
                    gst::QueryViewMut::Caps(query) => {
                        let filter = query.filter_owned();
                        query.set_result(&filter.map_or(caps.clone(), |filter| filter.intersect(&caps)));
                        true
                    }
                    gst::QueryViewMut::AcceptCaps(query) => {
                        let accepted = query.caps_owned().can_intersect(&caps);
                        query.set_result(accepted);
                        true
                    }
                    // Nobody's buffers can be another's memory.
                    gst::QueryViewMut::Allocation(_) => false,
                    _ => gst::Pad::query_default(pad, parent, query),
                }
            });
            (template, pad)
        });
        let src = src.1.build();
        let (pushed, passed) = (src.clone(), src.clone());
        let sink = sink
            .1
            .chain_function(move |_, _, buffer| pushed.push(buffer))
            .event_function(move |pad, parent, event| {
                let gst::EventView::Caps(caps) = event.view() else {
                    return gst::Pad::event_default(pad, parent, event);
                };
                let mut caps = caps.caps_owned();
                let features = if into_nvmm { ["memory:NVMM"].as_slice() } else { &[] };
                caps.make_mut().set_features(0, Some(gst::CapsFeatures::new(features.iter().copied())));
                passed.push_event(gst::event::Caps::new(&caps))
            })
            .build();
        relabel.add_pad(&sink).unwrap();
        relabel.add_pad(&src).unwrap();
        relabel
    }
}
