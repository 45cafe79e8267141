import os
import tempfile
import unittest
from xml.dom import minidom

from curves import draw, ticks
from manifest import sha256, with_value, write
from schedule import Budget, factor
from smoke import loss_fell


class Curves(unittest.TestCase):
    def test_svg_is_well_formed_and_has_each_series(self):
        lines = [{"seconds": 60 * i, "loss": 5 - i, "box": 3.0, "classes": 2.0, "rate": 1e-3} for i in range(4)]
        lines.append({"seconds": 240, "ap50": 55.0, "ap50_car": 60.0})
        document = minidom.parseString(draw(lines))
        texts = [node.firstChild.data for node in document.getElementsByTagName("text")]
        self.assertIn("ap50_car 60", texts)
        self.assertIn("loss 2", texts)

    def test_an_empty_log_draws_an_empty_panel(self):
        minidom.parseString(draw([]))

    def test_ticks_are_few_and_within(self):
        for top in (1e-4, 0.002, 0.7, 1.0, 3.3, 47.0, 100.0, 12345.0):
            found = ticks(top)
            self.assertTrue(4 <= len(found) <= 13, f"{top}: {found}")
            self.assertTrue(0 == found[0] and top * 0.6 < found[-1] <= top, f"{top}: {found}")


class Manifest(unittest.TestCase):
    TEXT = "version: 1\nname: old\nsource: >\n  two\n  lines\n\nweights:\n  file: a.onnx\n  sha256: 00\ninput: {name: image}\n"

    def test_a_key_is_replaced_with_all_that_is_indented_under_it(self):
        text = with_value(with_value(self.TEXT, "source", "new"), "weights", "{file: b}")
        self.assertEqual(text, "version: 1\nname: old\nsource: new\n\nweights: {file: b}\ninput: {name: image}\n")

    def test_a_missing_key_is_added(self):
        self.assertEqual(with_value("version: 1\n", "license", "Apache-2.0"), "version: 1\nlicense: Apache-2.0\n")

    def test_written_manifest_names_the_weights_and_their_hash(self):
        with tempfile.TemporaryDirectory() as built, tempfile.TemporaryDirectory() as out:
            with open(os.path.join(built, "model.yaml"), "w", encoding="utf-8") as file:
                file.write(self.TEXT)
            with open(os.path.join(out, "w.onnx"), "wb") as file:
                file.write(b"weights")
            write(built, out, "fresh", "w.onnx", 'by "test"')
            with open(os.path.join(out, "model.yaml"), encoding="utf-8") as file:
                text = file.read()
            self.assertIn(f"weights: {{file: w.onnx, sha256: {sha256(os.path.join(out, 'w.onnx'))}}}\n", text)
            self.assertIn('source: "by \\"test\\""\n', text)
            self.assertIn("name: fresh\n", text)


class Schedule(unittest.TestCase):
    def test_rate_rises_then_falls_to_almost_nothing(self):
        rates = [factor(i / 1000, 0.05) for i in range(1001)]
        peak = rates.index(max(rates))
        self.assertAlmostEqual(peak / 1000, 0.05, delta=0.002)
        self.assertEqual(rates[:peak], sorted(rates[:peak]))
        self.assertEqual(rates[peak:], sorted(rates[peak:], reverse=True))
        self.assertLess(rates[-1], 0.01)

    def test_budget_counts_steps_or_seconds(self):
        self.assertEqual(Budget(steps=200).progress(50, 1e9), 0.25)
        self.assertEqual(Budget(seconds=60).progress(50, 30.0), 0.5)
        with self.assertRaises(ValueError):
            Budget()


class Smoke(unittest.TestCase):
    def test_loss_is_compared_over_quarters(self):
        self.assertEqual(loss_fell([{"loss": v} for v in (4.0, 4.0, 3.0, 3.0, 2.0, 2.0, 1.0, 1.0)]), (4.0, 1.0))
        with self.assertRaises(SystemExit):
            loss_fell([{"loss": 1.0}])


if __name__ == "__main__":
    unittest.main()
