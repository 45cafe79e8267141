//! The one thread that writes: what is queued in all outboxes, at once.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering, mpsc::SyncSender},
    time::Instant,
};

use super::{
    backlog::Backlog,
    database::{Database, FILE_NAME},
    disk::Disk,
    fault::Fault,
    lock::StateLock,
    outbox::Hub,
    round::{refill, round},
    served::{Look, Served},
    set_aside::set_aside,
    signal::Signals,
    tables,
};

/// What the writer's thread owns.
pub struct Writer {
    hub: Arc<Hub>,
    state_dir: PathBuf,
    /// `None` while it could not be taken.
    lock: Option<StateLock>,
    database: Option<Database>,
    /// The database is open for reading at best, and to be opened anew for writing.
    is_stale: bool,
    /// When the last database that was in use was made.
    known: Option<i64>,
    /// The first key of this process.
    first_key: u64,
    disk: Disk,
    served: Vec<Served>,
    /// It is known which destinations are wished: what is nobody's may be tidied.
    is_asked: bool,
    /// Whom to tell when all outboxes have been looked for on disk.
    waiting: Vec<SyncSender<()>>,
    next_tidy: Instant,
}

impl Writer {
    pub fn new(hub: Arc<Hub>, state_dir: &Path, lock: Option<StateLock>) -> Self {
        let first_key = hub.next_key.load(Ordering::Relaxed);
        Self {
            hub,
            state_dir: state_dir.to_owned(),
            lock,
            database: None,
            is_stale: false,
            known: None,
            first_key,
            disk: Disk::default(),
            served: Vec::new(),
            is_asked: false,
            waiting: Vec::new(),
            next_tidy: Instant::now(),
        }
    }

    /// Works until it is told to close. Returns how many events the disk did not take.
    pub fn run(mut self) -> u64 {
        let mut has_more = true;
        loop {
            let latest = if has_more { Instant::now() } else { self.next_look() };
            let signals = self.hub.signal.wait(latest);
            let is_closing = signals.is_closing;
            // A mistake in here must not take the cameras down: what is in memory stays there, and it is tried again.
            let done = catch_unwind(AssertUnwindSafe(|| self.serve(signals)));
            has_more = done.unwrap_or_else(|_| {
                self.broke(&Fault::Unavailable("the thread that writes events has panicked".into()));
                false
            });
            if is_closing && !(has_more && self.has_work()) {
                return self.unwritten();
            }
            if is_closing {
                // What one transaction does not hold, the next one does.
                self.hub.signal.close();
            }
        }
    }

    /// When to look at the latest.
    fn next_look(&self) -> Instant {
        let next_tidy = if self.is_asked { self.next_tidy } else { Instant::now() + self.hub.settings.tidy_every };
        self.disk.next_try().unwrap_or(next_tidy)
    }

    /// Does what there is to do. Whether there is more.
    fn serve(&mut self, signals: Signals) -> bool {
        for arrivals in signals.arrivals {
            self.is_asked = true;
            if self.disk.is_failing() {
                arrivals.outboxes.iter().for_each(|outbox| outbox.with(Backlog::failing));
            }
            self.served.extend(arrivals.outboxes.into_iter().map(Served::new));
            self.waiting.push(arrivals.done);
        }
        let may_try = self.disk.may_try(Instant::now()) || signals.is_closing;
        let has_more = may_try && self.work();
        if self.disk.is_failing() {
            self.read_back();
        }
        self.tell();
        has_more
    }

    /// One round, and what its failure asks for. Whether there is more to do at once.
    fn work(&mut self) -> bool {
        let mut result = self.try_work();
        if let Err(Fault::Damaged(what)) = &result {
            let what = what.clone();
            // Once: if the fresh one is damaged as well, it is not the file's fault.
            result = self.replace_database(&what).and_then(|()| self.try_work());
        }
        match result {
            Ok(has_more) => {
                if self.disk.worked(&self.state_dir.display().to_string(), Instant::now()) {
                    self.hub.is_failing.store(false, Ordering::Relaxed);
                    self.each_backlog(Backlog::working);
                }
                has_more
            }
            Err(fault) => {
                self.broke(&fault);
                false
            }
        }
    }

    fn try_work(&mut self) -> Result<bool, Fault> {
        let generation = self.hub.generation.load(Ordering::Relaxed);
        if self.hub.damaged.swap(0, Ordering::Relaxed) == generation && generation > 0 {
            return Err(Fault::damaged("a page of the history cannot be read"));
        }
        self.open()?;
        let Some(database) = &mut self.database else { return Ok(false) };
        let is_tidying = self.is_asked && Instant::now() >= self.next_tidy;
        let look = Look { now: (self.hub.settings.now)(), is_tidying };
        let has_more = round(&mut database.connection, &mut self.served, &self.hub, look, self.disk.is_failing())?;
        // What one step does not remove, the next one does.
        if is_tidying && !has_more {
            self.next_tidy = Instant::now() + self.hub.settings.tidy_every;
        }
        Ok(has_more)
    }

    /// A disk that takes nothing may well be read: what waits there comes before what is newer.
    fn read_back(&mut self) {
        let look = Look { now: (self.hub.settings.now)(), is_tidying: false };
        let result = self.database.as_ref().map(|database| refill(&database.connection, &self.served, look));
        if !matches!(result, Some(Ok(_))) {
            self.each_backlog(Backlog::cannot_read);
        }
    }

    /// Opens the database, unless it is open.
    fn open(&mut self) -> Result<(), Fault> {
        if self.database.is_some() && !self.is_stale {
            return Ok(());
        }
        if self.lock.is_none() {
            self.lock = Some(StateLock::take(&self.state_dir)?);
        }
        let path = self.state_dir.join(FILE_NAME);
        let database = Database::open(&path, self.known, (self.hub.settings.now)())?;
        if self.known != Some(database.made) {
            self.adopt(&database)?;
        }
        self.database = Some(database);
        self.is_stale = false;
        Ok(())
    }

    /// The database is another one than before: at the start, or because the file is gone.
    fn adopt(&mut self, database: &Database) -> Result<(), Fault> {
        let newest = tables::newest(&database.connection)?;
        let has_given_keys = self.hub.next_key.load(Ordering::Relaxed) > self.first_key;
        if has_given_keys && newest >= self.first_key {
            return Err(Fault::damaged("it has newer events than this process has; was the clock set back?"));
        }
        self.hub.next_key.fetch_max(newest + 1, Ordering::Relaxed);
        if self.known.is_some() {
            tracing::error!(state_dir = %self.state_dir.display(), "the event database is gone, and another one begun");
            self.forget_database();
        }
        self.known = Some(database.made);
        self.hub.generation.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Sets the database aside, so that the next one that is opened is fresh.
    fn replace_database(&mut self, what: &str) -> Result<(), Fault> {
        if let Some(database) = self.database.take() {
            database.abandon();
        }
        let path = self.state_dir.join(FILE_NAME);
        let aside =
            set_aside(&path, (self.hub.settings.now)()).map_err(|error| Fault::Unavailable(error.to_string()))?;
        let lost = self.forget_database();
        self.known = None;
        let (path, aside) = (path.display(), aside.display());
        tracing::error!(
            %path,
            %aside,
            lost,
            "the event database cannot be used ({what}): it is set aside and a fresh one begun; what is in memory is \
             written there, and `lost` events that still waited are in the old one alone"
        );
        Ok(())
    }

    /// What the outboxes had in the database is there no more. So many events are lost.
    fn forget_database(&mut self) -> u64 {
        self.served.iter_mut().map(Served::forget_database).sum()
    }

    /// The disk does not do what it should.
    fn broke(&mut self, fault: &Fault) {
        // Whatever else than a full disk it is may be wrong with this handle only.
        self.is_stale = !matches!(fault, Fault::Full(_));
        self.disk.failed(&self.state_dir.display().to_string(), fault, Instant::now());
        self.hub.is_failing.store(true, Ordering::Relaxed);
        self.each_backlog(Backlog::failing);
    }

    fn each_backlog(&self, what: impl Fn(&mut Backlog)) {
        self.served.iter().for_each(|served| served.outbox.with(&what));
    }

    /// Tells everybody what concerns them.
    fn tell(&mut self) {
        let now = (self.hub.settings.now)();
        for served in &mut self.served {
            served.outbox.tell_news();
            let (figures, plan) = served.outbox.with(|backlog| (backlog.figures(), *backlog.plan()));
            served.episodes.look(&served.outbox.destination(), &figures, &plan, now);
        }
        let is_looked_for = |served: &Served| served.row().is_none() && !served.is_released();
        if self.disk.is_failing() || !self.served.iter().any(is_looked_for) {
            for done in self.waiting.drain(..) {
                // Whoever does not wait any more has given up.
                let _ = done.try_send(());
            }
        }
    }

    fn has_work(&self) -> bool {
        self.served.iter().any(|served| served.outbox.with(|backlog| backlog.has_work()))
    }

    fn unwritten(&self) -> u64 {
        self.served.iter().map(|served| served.outbox.with(|backlog| backlog.unwritten().events)).sum()
    }
}
