//! A browser with one page in it, and a record of everything that the page should not have done.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use headless_chrome::browser::tab::Tab;
use headless_chrome::protocol::cdp::types::Event;
use headless_chrome::protocol::cdp::{Emulation, Network};
use headless_chrome::{Browser, LaunchOptions};

use crate::debian::program;

/// An open page. The browser ends with it.
pub(crate) struct Page {
    pub(crate) tab: Arc<Tab>,
    said: Arc<Mutex<Vec<String>>>,
    asked: Arc<Mutex<Vec<String>>>,
    url: String,
    _browser: Browser,
    _profile: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// One browser at a time: what a page takes to open is measured.
static TURN: Mutex<()> = Mutex::new(());

impl Page {
    /// Opens a file in a browser of its own, as wide as this.
    pub(crate) fn open(file: &Path, width: u32) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = tempfile::tempdir().unwrap();
        let args = [
            "--headless=new",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
        ];
        let options = LaunchOptions::default_builder()
            .headless(false)
            .sandbox(false)
            .disable_default_args(true)
            .args(args.iter().map(AsRef::as_ref).collect())
            .path(Some(chromium().to_owned()))
            .user_data_dir(Some(profile.path().to_owned()))
            .idle_browser_timeout(Duration::from_secs(120))
            .build()
            .unwrap();
        let browser = Browser::new(options).unwrap();
        let tab = browser.new_tab().unwrap();
        tab.set_default_timeout(Duration::from_secs(60));
        tab.call_method(metrics(width)).unwrap();

        let (said, asked) = (Arc::default(), Arc::default());
        listen(&tab, &said, &asked);
        let url = format!("file://{}", file.display());
        tab.navigate_to(&url).unwrap().wait_until_navigated().unwrap();
        let page = Self { tab, said, asked, url, _browser: browser, _profile: profile, _turn: turn };
        page.until("performance.getEntriesByName('rows').length > 0");
        page
    }

    /// The value of an expression, as text.
    pub(crate) fn text(&self, expression: &str) -> String {
        let object = self.tab.evaluate(&format!("String({expression})"), false).unwrap();
        object.value.unwrap().as_str().unwrap().to_owned()
    }

    /// The value of an expression, as a number.
    pub(crate) fn number(&self, expression: &str) -> f64 {
        self.text(expression).parse().unwrap()
    }

    /// Waits, in the page, until an expression is true.
    pub(crate) fn until(&self, expression: &str) {
        let script = format!(
            "new Promise((done) => {{ const began = Date.now(); const look = () => \
             ({expression}) ? done('yes') : Date.now() - began > 30000 ? done('no') : setTimeout(look, 5); look(); }})"
        );
        let object = self.tab.evaluate(&script, true).unwrap();
        assert_eq!(object.value.unwrap(), "yes", "never came true: {expression}");
    }

    /// Clicks what a selector finds.
    pub(crate) fn click(&self, selector: &str) {
        self.tab.wait_for_element(selector).unwrap().click().unwrap();
    }

    /// Chooses an option of a list.
    pub(crate) fn choose(&self, selector: &str, value: &str) {
        let select = format!("document.querySelector({selector:?})");
        self.tab
            .evaluate(
                &format!("{select}.value = {value:?}; {select}.dispatchEvent(new Event('change'))"),
                false,
            )
            .unwrap();
        assert_eq!(self.text(&format!("{select}.value")), value, "no such option");
    }

    /// How many orgs are found, as the page says it.
    pub(crate) fn found(&self) -> String {
        self.text("document.getElementById('found').textContent")
    }

    /// Nothing was said on the console, no policy was broken, and no request was made.
    pub(crate) fn is_quiet(&self) {
        assert_eq!(*self.said.lock().unwrap(), Vec::<String>::new());
        let asked = self.asked.lock().unwrap();
        let foreign: Vec<_> =
            asked.iter().filter(|url| **url != self.url && !url.starts_with("data:")).collect();
        assert!(asked.contains(&self.url), "requests are seen: {asked:?}");
        assert_eq!(foreign, Vec::<&String>::new());
    }
}

fn listen(tab: &Arc<Tab>, said: &Arc<Mutex<Vec<String>>>, asked: &Arc<Mutex<Vec<String>>>) {
    tab.enable_log().unwrap().enable_runtime().unwrap();
    tab.call_method(Network::Enable {
        max_total_buffer_size: None,
        max_resource_buffer_size: None,
        max_post_data_size: None,
        report_direct_socket_traffic: None,
        enable_durable_messages: None,
    })
    .unwrap();
    let (said, asked) = (Arc::clone(said), Arc::clone(asked));
    let listener = move |event: &Event| match event {
        Event::LogEntryAdded(event) => said.lock().unwrap().push(event.params.entry.text.clone()),
        Event::RuntimeExceptionThrown(event) => {
            said.lock().unwrap().push(format!("{:?}", event.params.exception_details));
        }
        Event::RuntimeConsoleAPICalled(event) => {
            said.lock().unwrap().push(format!("{:?}", event.params.args));
        }
        Event::NetworkRequestWillBeSent(event) => {
            asked.lock().unwrap().push(event.params.request.url.clone());
        }
        _ => {}
    };
    tab.add_event_listener(Arc::new(listener)).unwrap();
}

fn metrics(width: u32) -> Emulation::SetDeviceMetricsOverride {
    Emulation::SetDeviceMetricsOverride {
        width,
        height: 900,
        device_scale_factor: 1.0,
        mobile: width < 500,
        scale: None,
        screen_width: None,
        screen_height: None,
        position_x: None,
        position_y: None,
        dont_set_visible_size: None,
        screen_orientation: None,
        viewport: None,
        display_feature: None,
        device_posture: None,
    }
}

/// Debian's chromium, or one of its kin.
fn chromium() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        program(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"], "chromium")
    })
}
