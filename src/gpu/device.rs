//! One graphics device for the window and for the analyses: how it is asked for, and how burn is given it.

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuSetup;
use eframe::egui_wgpu::{RenderState, SurfaceConfig, WgpuConfiguration, WgpuSetup as WindowSetup, WgpuSetupCreateNew};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use wgpu::{DeviceDescriptor, DeviceType, Features, PowerPreference};

/// How eframe is to open its graphics device, so that burn can use the same one.
///
/// The environment variables `WGPU_BACKEND` and `WGPU_POWER_PREF` still choose among several adapters.
#[must_use]
pub fn configuration() -> WgpuConfiguration {
    let mut setup = WgpuSetupCreateNew::without_display_handle();
    setup.power_preference = PowerPreference::from_env().unwrap_or(PowerPreference::HighPerformance);
    setup.device_descriptor = Arc::new(|adapter| DeviceDescriptor {
        label: Some("antrum"),
        // cubecl looks at the adapter to learn what the device can do, so the device gets all of it, except for
        // what needs `unsafe` to ask for and what makes every buffer slower.
        required_features: adapter.features() - Features::all_experimental_mask() - Features::MAPPABLE_PRIMARY_BUFFERS,
        required_limits: adapter.limits(),
        ..Default::default()
    });
    WgpuConfiguration {
        surface: SurfaceConfig::LOW_LATENCY,
        wgpu_setup: WindowSetup::CreateNew(setup),
        ..Default::default()
    }
}

/// Whether the adapter is a program on the CPU, such as Mesa's llvmpipe.
#[must_use]
pub fn is_software(render_state: &RenderState) -> bool {
    render_state.adapter.get_info().device_type == DeviceType::Cpu
}

/// The adapter in one line: name, interface and driver.
#[must_use]
pub fn adapter_summary(render_state: &RenderState) -> String {
    let info = render_state.adapter.get_info();
    let driver = if info.driver_info.is_empty() { info.driver } else { info.driver_info };
    let kind = match info.device_type {
        DeviceType::DiscreteGpu => "graphics card",
        DeviceType::IntegratedGpu => "integrated graphics",
        DeviceType::VirtualGpu => "virtual graphics",
        DeviceType::Cpu => "software",
        DeviceType::Other => "unknown kind",
    };
    format!("{}, {kind}, {:?}, {driver}", info.name, info.backend)
}

/// The device on which analyses run: the window's GPU, or the CPU (burn's flex) where that GPU is software or
/// cannot compute.
///
/// The window's device is registered with burn once per process; later calls return the same, whatever they pass.
#[must_use]
pub fn analysis_device(render_state: &RenderState) -> Device {
    static REGISTERED: OnceLock<Device> = OnceLock::new();
    if is_software(render_state) {
        return Device::flex();
    }
    let register = || {
        let setup = WgpuSetup {
            instance: render_state.instance.clone(),
            adapter: render_state.adapter.clone(),
            device: render_state.device.clone(),
            queue: render_state.queue.clone(),
            backend: render_state.adapter.get_info().backend,
        };
        Device::wgpu_options().setup(setup).init().unwrap_or_else(|error| {
            log::warn!("analyses run on the CPU, because the GPU cannot be used for them: {error}");
            Device::flex()
        })
    };
    REGISTERED.get_or_init(register).clone()
}

/// The value of a wgpu future that is ready at once, as all but those of mapped buffers are outside a browser.
pub(super) fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::gpu::testing;
    use burn::tensor::Tensor;

    #[test]
    fn the_device_can_do_what_the_adapter_says_and_burn_computes_on_it() {
        let Some(render_state) = testing::render_state(configuration().wgpu_setup) else { return };
        let missing = render_state.adapter.features() - render_state.device.features();
        assert!((missing - Features::all_experimental_mask() - Features::MAPPABLE_PRIMARY_BUFFERS).is_empty());
        assert_eq!(render_state.device.limits(), render_state.adapter.limits());
        assert!(adapter_summary(&render_state).contains(&render_state.adapter.get_info().name));

        let device = analysis_device(&render_state);
        let sum = Tensor::<1>::from_floats([1.0, 2.0, 4.0], &device).sum();
        assert_eq!(sum.into_scalar::<f32>(), 7.0);
    }
}
