use antrum::image::register::{self, AffineConfig};
use antrum::job::Progress;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let p = Progress::default();
    let f = antrum::io::open(a[1].as_ref(), &p).unwrap();
    let m = antrum::io::open(a[2].as_ref(), &p).unwrap();
    let mut c = AffineConfig::default();
    if let Some(n) = a.get(3) {
        c.samples = n.parse().unwrap();
    }
    let t = std::time::Instant::now();
    let r = register::affine(&f.volume, &m.volume, &c, &p).unwrap();
    let s = t.elapsed().as_secs_f64();
    let x = r.moving_from_fixed;
    let row = |k: usize| vec![x.matrix3.x_axis[k], x.matrix3.y_axis[k], x.matrix3.z_axis[k], x.translation[k]];
    println!(
        "{}",
        serde_json::json!({"seconds": s, "matrix": [row(0), row(1), row(2), vec![0.,0.,0.,1.]], "metric": r.mutual_information, "overlap": r.overlap})
    );
}
