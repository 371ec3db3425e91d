//! What the finder takes for granted about heads, in millimetres.

/// Sizes and typical places of the maxillary sinuses. The defaults come from anatomy (adult antra of 10-28 mL, centres
/// about 50 mm apart) and were checked on real heads.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FinderConfig {
    /// Voxel size of the search.
    pub(super) spacing_mm: f64,
    /// Half axes of the ellipsoid that a sinus fills, right-left, front-back, up-down.
    pub(super) half_axes_mm: [f64; 3],
    /// Thickness of the surrounding shell that should be tissue.
    pub(super) shell_mm: f64,
    /// Distance of the two centres, and how much it varies (standard deviation).
    pub(super) apart_mm: [f64; 2],
    /// How far the sinus centre lies behind the skin of the cheek in front of it, and its standard deviation.
    pub(super) behind_cheek_mm: [f64; 2],
    /// How far the sinus centre lies below the top of the head, and its standard deviation.
    pub(super) below_vertex_mm: [f64; 2],
    /// A template fit that leaves no doubt.
    pub(super) clear_fit: f64,
    /// Pairs scoring less are no sinuses.
    pub(super) least_score: f64,
    /// How far below the top of the head its front is the forehead.
    pub(super) forehead_below_vertex_mm: f64,
    /// Where the cheeks lie further behind the forehead, the face has been removed.
    pub(super) cheek_behind_forehead_mm: f64,
}

impl Default for FinderConfig {
    fn default() -> Self {
        Self {
            spacing_mm: 3.0,
            half_axes_mm: [14.0, 17.0, 17.0],
            shell_mm: 7.0,
            apart_mm: [50.0, 6.0],
            behind_cheek_mm: [30.0, 8.0],
            below_vertex_mm: [138.0, 12.0],
            clear_fit: 0.3,
            least_score: 0.28,
            forehead_below_vertex_mm: 60.0,
            cheek_behind_forehead_mm: 25.0,
        }
    }
}
