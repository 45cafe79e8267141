//! Colours that clothes, hair and skin have.

use crate::scene::paint::Rgb;

pub(super) const CLOTHES: [Rgb; 22] = [
    Rgb(34, 38, 48),
    Rgb(52, 54, 58),
    Rgb(92, 94, 98),
    Rgb(150, 150, 148),
    Rgb(222, 220, 214),
    Rgb(38, 52, 88),
    Rgb(58, 88, 140),
    Rgb(106, 142, 178),
    Rgb(140, 34, 38),
    Rgb(186, 52, 46),
    Rgb(98, 34, 54),
    Rgb(52, 82, 58),
    Rgb(96, 104, 70),
    Rgb(132, 112, 82),
    Rgb(178, 156, 120),
    Rgb(92, 68, 50),
    Rgb(206, 164, 62),
    Rgb(214, 122, 58),
    Rgb(196, 132, 148),
    Rgb(112, 84, 132),
    Rgb(70, 132, 128),
    Rgb(196, 214, 70),
];
pub(super) const TROUSERS: [Rgb; 10] = [
    Rgb(38, 46, 70),
    Rgb(62, 78, 108),
    Rgb(96, 114, 140),
    Rgb(30, 31, 35),
    Rgb(56, 56, 58),
    Rgb(108, 104, 98),
    Rgb(150, 134, 106),
    Rgb(84, 70, 56),
    Rgb(78, 84, 66),
    Rgb(188, 184, 174),
];
pub(super) const HAIRS: [Rgb; 7] = [
    Rgb(34, 28, 26),
    Rgb(62, 46, 36),
    Rgb(96, 70, 48),
    Rgb(150, 116, 72),
    Rgb(190, 160, 108),
    Rgb(150, 148, 146),
    Rgb(128, 62, 36),
];
pub(super) const SKINS: [Rgb; 6] =
    [Rgb(232, 194, 168), Rgb(216, 172, 144), Rgb(190, 146, 116), Rgb(150, 108, 82), Rgb(112, 80, 62), Rgb(84, 60, 48)];
pub(super) const SHOES: [Rgb; 5] =
    [Rgb(36, 34, 34), Rgb(82, 60, 44), Rgb(206, 204, 200), Rgb(116, 112, 110), Rgb(150, 60, 50)];
