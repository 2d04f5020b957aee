//! The part of the drawing that is seen: where a drag and the wheel move it. Pure, so that it can be tested.

/// Largest height that is shown at first, in units of the drawing.
pub(super) const HEIGHT_MAX: f64 = 640.0;
/// Nearest view: this part of the width.
const NEAREST: f64 = 0.2;

/// A rectangle of the drawing, always of the same shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct View {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
}

/// The size of the drawing, which also settles the shape of the window on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sheet {
    /// Width of the drawing.
    pub(super) width: f64,
    /// Height of the drawing.
    pub(super) height: f64,
}

impl Sheet {
    /// Height of the window when it is as wide as the drawing.
    fn window(self) -> f64 {
        self.height.clamp(160.0, HEIGHT_MAX)
    }

    /// The first view: the whole width, from the top.
    pub(super) fn home(self) -> View {
        View { x: 0.0, y: 0.0, width: self.width }
    }

    /// Width of the view that shows everything.
    fn farthest(self) -> f64 {
        self.width * (self.height / self.window()).max(1.0)
    }

    /// Everything at once.
    pub(super) fn fit(self) -> View {
        let width = self.farthest();
        View { x: (self.width - width) / 2.0, y: 0.0, width }
    }

    /// `viewBox` of a view.
    pub(super) fn view_box(self, view: View) -> String {
        format!("{:.1} {:.1} {:.1} {:.1}", view.x, view.y, view.width, self.height_of(view))
    }

    fn height_of(self, view: View) -> f64 {
        view.width * self.window() / self.width
    }

    /// Nearer (`factor` below 1) or farther, with the point under the pointer staying there; the pointer is given as
    /// parts (0 to 1) of the window.
    pub(super) fn zoom(self, view: View, factor: f64, (px, py): (f64, f64)) -> View {
        let width = (view.width * factor).clamp(self.width * NEAREST, self.farthest());
        let at = (view.x + px * view.width, view.y + py * self.height_of(view));
        let next = View { width, ..view };
        self.held(View { x: at.0 - px * width, y: at.1 - py * self.height_of(next), width })
    }

    /// Moved by parts of the window.
    pub(super) fn pan(self, view: View, dx: f64, dy: f64) -> View {
        self.held(View { x: view.x - dx * view.width, y: view.y - dy * self.height_of(view), ..view })
    }

    /// The middle of the view on a point, at the same distance.
    pub(super) fn centre(self, view: View, (x, y): (f64, f64)) -> View {
        self.held(View { x: x - view.width / 2.0, y: y - self.height_of(view) / 2.0, ..view })
    }

    /// Whether a point is seen, with some room around it.
    pub(super) fn shows(self, view: View, (x, y): (f64, f64)) -> bool {
        let height = self.height_of(view);
        (view.x..=view.x + view.width).contains(&x) && (view.y + 20.0..=view.y + height - 20.0).contains(&y)
    }

    /// Never so far away that nothing of the drawing is seen.
    fn held(self, view: View) -> View {
        let hold = |at: f64, seen: f64, size: f64| {
            let spare = size - seen;
            at.clamp(spare.min(0.0) - seen * 0.2, spare.max(0.0) + seen * 0.2)
        };
        let height = self.height_of(view);
        View { x: hold(view.x, view.width, self.width), y: hold(view.y, height, self.height), ..view }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHEET: Sheet = Sheet { width: 936.0, height: 3000.0 };

    #[test]
    fn the_point_under_the_pointer_stays() {
        let view = SHEET.zoom(SHEET.home(), 0.5, (0.25, 0.5));
        assert!((view.width - 468.0).abs() < 1e-9);
        assert!((view.x + 0.25 * view.width - 234.0).abs() < 1e-9, "{view:?}");
        assert!((view.y + 0.5 * 320.0 - 320.0).abs() < 1e-9, "{view:?}");
    }

    #[test]
    fn zoom_ends_at_everything_and_at_a_fifth() {
        let far = SHEET.zoom(SHEET.home(), 100.0, (0.5, 0.5));
        assert!((far.width - SHEET.fit().width).abs() < 1e-9);
        let near = SHEET.zoom(SHEET.home(), 0.001, (0.5, 0.5));
        assert!((near.width - 936.0 * NEAREST).abs() < 1e-9);
    }

    #[test]
    fn the_drawing_cannot_be_lost() {
        let view = SHEET.pan(SHEET.home(), -50.0, 50.0);
        assert!(view.x <= 936.0 * 0.2 + 1e-9 && view.y >= -128.0 - 1e-9, "{view:?}");
    }

    #[test]
    fn a_selected_node_can_be_brought_into_view() {
        let home = SHEET.home();
        assert!(!SHEET.shows(home, (400.0, 2000.0)));
        assert!(SHEET.shows(SHEET.centre(home, (400.0, 2000.0)), (400.0, 2000.0)));
    }
}
