//! Devices that act as somebody, as a list, and the question before one is signed out.

use keepstep_http::addresses::segment;
use keepstep_store::DeviceLogin;

use crate::error_page::PageError;
use crate::parts::confirm::Confirm;
use crate::parts::frame::Frame;
use crate::parts::view::Moment;
use crate::parts::visible::Visible;

/// A device, ready to show.
pub(crate) struct ShownDevice {
    pub(crate) id: String,
    pub(crate) name: Visible,
    pub(crate) person: Visible,
    pub(crate) address: Visible,
    pub(crate) asked: Moment,
    pub(crate) used: Option<Moment>,
    pub(crate) used_by: Visible,
}

impl From<DeviceLogin> for ShownDevice {
    fn from(login: DeviceLogin) -> Self {
        Self {
            name: Visible::of(login.device_name),
            person: Visible::of(login.user_name.unwrap_or_default()),
            address: Visible::of(login.address),
            asked: Moment::of(login.created_at),
            used: login.used_at.map(Moment::of),
            used_by: Visible::of(login.used_by.unwrap_or_default()),
            id: login.id,
        }
    }
}

impl ShownDevice {
    /// Returns the device of an id.
    ///
    /// # Errors
    /// There is none among these.
    pub(crate) fn find(devices: Vec<DeviceLogin>, id: &str) -> Result<Self, PageError> {
        devices.into_iter().find(|device| device.id == id).map(Self::from).ok_or(PageError::NotFound)
    }

    /// Returns the page that asks before the device is signed out, for the page with its list.
    pub(crate) fn ask_sign_out(&self, frame: Frame, list: &str) -> Confirm {
        Confirm {
            frame,
            title: Visible::of(format!("Sign out {}?", self.name.plain())),
            consequences: vec![
                Visible::of(format!(
                    "It acts as {}, and was signed in from {} on {}.",
                    self.person.plain(),
                    self.address.plain(),
                    self.asked.readable
                )),
                Visible::of("Its next request is refused. It can be connected again with `keepstep login`."),
            ],
            problem: None,
            action: format!("{list}/devices/{}/sign-out", segment(&self.id)),
            button: "Sign it out",
            back: list.to_owned(),
        }
    }
}
