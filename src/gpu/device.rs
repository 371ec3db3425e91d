//! The graphics adapter in words, and the device on it that burn is given for the analyses.

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuSetup;
use eframe::egui_wgpu::RenderState;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use wgpu::{DeviceDescriptor, DeviceType, Features};

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

/// What makes the device for the analyses, or none where the adapter is software: there the CPU is faster without it.
///
/// It is a second device on the window's adapter: a full memory or a fault in an analysis ends that analysis, and the
/// picture stays. It is made once per process, when it is first asked for; where it cannot be, the CPU (burn's flex) is
/// given.
#[must_use]
pub fn analysis_device(window: &RenderState) -> Option<impl Fn() -> Device + Send + Sync + 'static> {
    static REGISTERED: OnceLock<Device> = OnceLock::new();
    let (instance, adapter) = (window.instance.clone(), window.adapter.clone());
    let make = move || {
        second_device(&instance, &adapter).unwrap_or_else(|error| {
            log::warn!("analyses run on the CPU, because the GPU cannot be used for them: {error}");
            Device::flex()
        })
    };
    (!is_software(window)).then_some(move || REGISTERED.get_or_init(&make).clone())
}

fn second_device(instance: &wgpu::Instance, adapter: &wgpu::Adapter) -> Result<Device, Box<dyn std::error::Error>> {
    let descriptor = DeviceDescriptor {
        label: Some("analyses"),
        // cubecl looks at the adapter to learn what the device can do, so the device gets all of it, except for what
        // needs `unsafe` to ask for and what makes every buffer slower.
        required_features: adapter.features() - Features::all_experimental_mask() - Features::MAPPABLE_PRIMARY_BUFFERS,
        required_limits: adapter.limits(),
        ..Default::default()
    };
    let (device, queue) = ready(adapter.request_device(&descriptor)).ok_or("the driver does not answer")??;
    let backend = adapter.get_info().backend;
    let setup = WgpuSetup { instance: instance.clone(), adapter: adapter.clone(), device, queue, backend };
    Ok(Device::wgpu_options().setup(setup).init()?)
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
    use crate::gpu::{Ladder, testing};
    use burn::tensor::Tensor;

    #[test]
    fn the_adapter_is_described_and_burn_computes_on_a_device_of_its_own() {
        let Some(render_state) = testing::render_state(Ladder::new(false).configuration().wgpu_setup) else { return };
        assert!(adapter_summary(&render_state).contains(&render_state.adapter.get_info().name));
        let device = second_device(&render_state.instance, &render_state.adapter).unwrap();
        render_state.device.destroy();
        let sum = Tensor::<1>::from_floats([1.0, 2.0, 4.0], &device).sum();
        assert_eq!(sum.into_scalar::<f32>(), 7.0);
    }
}
