//! Which graphics adapter the window gets: a ladder from the fastest one down to one that always works.
//!
//! eframe asks for an adapter when it has a window to draw in. Each time it asks, it gets the best one that was not tried
//! before, so whoever opens the window only has to open it again when that failed.

use eframe::egui_wgpu::{SurfaceConfig, WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};
use std::sync::{Arc, Mutex, PoisonError};
use wgpu::{AdapterInfo, Backend, DeviceDescriptor, DeviceType, Limits, PowerPreference};

/// The adapters of this machine, and which of them have been tried.
pub struct Ladder {
    safe: bool,
    tried: Arc<Mutex<Vec<AdapterInfo>>>,
}

impl Ladder {
    /// All adapters are still to be tried. A `safe` ladder starts with OpenGL and software, and asks them for little.
    #[must_use]
    pub fn new(safe: bool) -> Self {
        Self { safe, tried: Arc::default() }
    }

    /// Whether it starts with what works nearly everywhere.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.safe
    }

    /// The adapters that were tried, in words.
    #[must_use]
    pub fn tried(&self) -> Vec<String> {
        let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        tried.iter().map(|info| format!("{} by {}", info.name, info.backend)).collect()
    }

    /// How eframe is to open its graphics device: on the next adapter.
    ///
    /// The environment variables `WGPU_BACKEND` and `WGPU_POWER_PREF` still choose among several adapters.
    #[must_use]
    pub fn configuration(&self) -> WgpuConfiguration {
        let mut setup = WgpuSetupCreateNew::without_display_handle();
        let (safe, tried) = (self.safe, Arc::clone(&self.tried));
        let saving = PowerPreference::from_env() == Some(PowerPreference::LowPower);
        setup.native_adapter_selector = Some(Arc::new(move |adapters, surface| {
            let infos: Vec<AdapterInfo> = adapters.iter().map(wgpu::Adapter::get_info).collect();
            let mut tried = tried.lock().unwrap_or_else(PoisonError::into_inner);
            let fits = |&n: &usize| {
                let shows = surface.is_none_or(|surface| adapters[n].is_surface_supported(surface));
                shows && !tried.contains(&infos[n])
            };
            let next = order(&infos, safe, saving).into_iter().find(fits);
            let next = next.ok_or("no graphics adapter can draw in a window")?;
            tried.push(infos[next].clone());
            Ok(adapters[next].clone())
        }));
        setup.device_descriptor = Arc::new(move |adapter| DeviceDescriptor {
            label: Some("window"),
            required_limits: limits(adapter.limits(), safe),
            ..Default::default()
        });
        WgpuConfiguration {
            surface: SurfaceConfig::LOW_LATENCY,
            wgpu_setup: WgpuSetup::CreateNew(setup),
            ..Default::default()
        }
    }
}

/// The places of adapters from the first to be tried to the last: hardware before software, graphics cards before what
/// saves power, and what each system does best before OpenGL, which old and remote machines have when they have nothing
/// else. A safe order starts with OpenGL and software.
fn order(adapters: &[AdapterInfo], safe: bool, saving: bool) -> Vec<usize> {
    let rank = |&n: &usize| {
        let AdapterInfo { backend, device_type, .. } = adapters[n];
        let software = device_type == DeviceType::Cpu;
        let opengl = backend == Backend::Gl;
        let power = match device_type {
            DeviceType::DiscreteGpu if saving => 1,
            DeviceType::IntegratedGpu if !saving => 1,
            DeviceType::DiscreteGpu | DeviceType::IntegratedGpu => 0,
            _ => 2,
        };
        let interface = match backend {
            Backend::Vulkan => 0,
            Backend::Dx12 => 1,
            Backend::Metal => 2,
            _ => 3,
        };
        let rung = if safe { [!software && !opengl, !opengl, software] } else { [software, opengl, false] };
        (rung, power, interface)
    };
    let mut order: Vec<usize> = (0..adapters.len()).collect();
    order.sort_by_key(rank);
    order
}

/// What is asked of an adapter: all it has, or, to be safe, little more than the size of its pictures.
fn limits(adapter: Limits, safe: bool) -> Limits {
    if safe {
        Limits::downlevel_defaults().using_resolution(adapter.clone()).or_worse_values_from(&adapter)
    } else {
        adapter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapters() -> Vec<AdapterInfo> {
        let adapter = |kind, backend| AdapterInfo { name: format!("{kind:?}"), ..AdapterInfo::new(kind, backend) };
        vec![
            adapter(DeviceType::Cpu, Backend::Vulkan),
            adapter(DeviceType::IntegratedGpu, Backend::Gl),
            adapter(DeviceType::IntegratedGpu, Backend::Vulkan),
            adapter(DeviceType::DiscreteGpu, Backend::Dx12),
            adapter(DeviceType::Cpu, Backend::Gl),
            adapter(DeviceType::DiscreteGpu, Backend::Vulkan),
        ]
    }

    #[test]
    fn hardware_comes_before_software_and_opengl_after_the_others() {
        assert_eq!(order(&adapters(), false, false), [5, 3, 2, 1, 0, 4]);
        assert_eq!(order(&adapters(), false, true), [2, 5, 3, 1, 0, 4], "on battery");
        // Where Vulkan has only software, the graphics chip that OpenGL has is better.
        let old = [adapters()[0].clone(), adapters()[1].clone()];
        assert_eq!(order(&old, false, false), [1, 0]);
        assert!(order(&[], false, false).is_empty());
    }

    #[test]
    fn a_safe_order_starts_with_opengl_and_software() {
        assert_eq!(order(&adapters(), true, false), [1, 4, 0, 5, 3, 2]);
    }

    #[test]
    fn safe_limits_are_modest_but_never_more_than_there_is() {
        let strong = Limits {
            max_buffer_size: 1 << 40,
            max_storage_buffers_per_shader_stage: 64,
            max_texture_dimension_2d: 32768,
            max_texture_dimension_3d: 16384,
            ..Limits::default()
        };
        let asked = limits(strong.clone(), true);
        assert_eq!((asked.max_texture_dimension_2d, asked.max_texture_dimension_3d), (32768, 16384));
        assert_eq!((asked.max_buffer_size, asked.max_storage_buffers_per_shader_stage), (256 << 20, 4));
        let weak = Limits { max_storage_buffers_per_shader_stage: 0, max_buffer_size: 1 << 20, ..strong.clone() };
        let asked = limits(weak, true);
        assert_eq!((asked.max_buffer_size, asked.max_storage_buffers_per_shader_stage), (1 << 20, 0));
        assert_eq!(limits(strong.clone(), false), strong);
    }
}
