package raftfsm

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"onsale/internal/metric"
	"onsale/raftfsm/folder"
	"onsale/raftfsm/store"
	"onsale/raftfsm/view"
	"onsale/sequencer"
	"onsale/sequencer/inbox"
)

// Collector returns the node's metrics for a Prometheus registry. raft's own are not
// among them: it observes them on the goroutine that decides.
func (n *Node) Collector() prometheus.Collector {
	s := new(metric.Set)
	inboxMetrics(s, &n.config, n.inbox, &n.batcher.counters)
	batchMetrics(s, &n.config, n.batcher, &n.machine.counters)
	logMetrics(s, &n.config, n.data)
	stallMetrics(s, n.watchdog.stalls)
	officeMetrics(s, n.office)
	journalMetrics(s, n.data, &n.machine.counters)
	stateMetrics(s, n.machine)
	leadershipMetrics(s, n.leadership)
	s.Gauge("onsale_raft_leader_commit_index", "Raft index that is known here to be committed, by what leaders say of themselves.", func() float64 { return float64(n.LeaderCommitIndex()) })
	fenceMetrics(s, n.fence)
	clockMetrics(s, n.watchdog)
	snapshotMetrics(s, &n.config, n.data, &n.machine.counters)
	peersMetrics(s, n)
	diskMetrics(s, n)
	holdMetrics(s, n)
	if n.port != nil {
		portMetrics(s, n.port)
	}
	n.machine.published.Metrics(s)
	checkMetrics(s, n.checks)
	return s
}

// constant is a bound that is published beside what it bounds.
func constant[T int | int64 | uint64](bound T) func() float64 {
	return func() float64 { return float64(bound) }
}

func inboxMetrics(s *metric.Set, c *Config, in *inbox.Inbox, b *batcherCounters) {
	s.Gauge("onsale_inbox_requests", "Requests that wait for their place in the order.", func() float64 { r, _ := in.Load(); return float64(r) })
	s.Gauge("onsale_inbox_requests_max", "Bound of onsale_inbox_requests; beyond it requests are answered overloaded.", constant(c.InboxRequestsMax))
	s.Gauge("onsale_inbox_bytes", "Bytes of the requests that wait.", func() float64 { _, b := in.Load(); return float64(b) })
	s.Gauge("onsale_inbox_bytes_max", "Bound of onsale_inbox_bytes.", constant(c.InboxBytesMax))
	s.Counter("onsale_inbox_overloaded_total", "Requests refused because the inbox was full.", in.Overloaded)
	s.Times("onsale_inbox_wait_seconds", "How long the first request of each batch waited to be proposed.", &b.waitTimes)
	s.Counter("onsale_requests_refused_total", "Requests that raft did not take because leadership was lost.", b.refused.Load)
	s.Counter("onsale_requests_unknown_total", "Requests whose outcome this node cannot tell.", b.unknown.Load)
}

func batchMetrics(s *metric.Set, c *Config, batches *batcher, m *machineCounters) {
	b := &batches.counters
	s.Sizes("onsale_batch_requests", "Requests in each applied batch.", &m.batchSizes)
	s.Gauge("onsale_batch_requests_max", "Bound of a batch's requests.", constant(c.BatchRequestsMax))
	s.Sizes("onsale_batch_bytes", "Bytes of each applied batch.", &m.batchBytes)
	s.Gauge("onsale_batch_bytes_max", "Bound of a batch's bytes.", constant(c.BatchBytesMax))
	s.Gauge("onsale_batches_in_flight", "Batches that are proposed and not yet decided.", func() float64 { return float64(len(batches.inFlight)) })
	s.Gauge("onsale_batches_in_flight_max", "Bound of onsale_batches_in_flight.", constant(cap(batches.inFlight)))
	s.Counter("onsale_proposals_total", "Batches handed to raft.", b.proposals.Load)
	s.Counter("onsale_ticks_total", "Empty batches proposed because something was due, or holds are running.", b.ticks.Load)
	s.Counter("onsale_outages_total", "How often this node found that nobody had led while holds were running.", b.outages.Load)
	s.Counters("onsale_outage_seconds_total", "Time of those outages, which the holds got back up to a bound.", nil, func(show metric.Show) {
		show(time.Duration(b.outageTime.Load()).Seconds())
	})
	s.Times("onsale_commit_seconds", "From proposing a batch to its decision, on the leader.", &b.commitTimes)
	s.Times("onsale_decide_seconds", "Time to decide a batch.", &m.decideTimes)
	s.Counter("onsale_decisions_total", "Commands decided on this replica.", m.requests.Load)
	s.Counter("onsale_events_total", "Expiries, promotions and other events beside commands.", m.events.Load)
}

// stallMetrics show what may hang.
func stallMetrics(s *metric.Set, is *stalls) {
	s.Gauges("onsale_stall_seconds", "For how long the call that is under way for longest has not returned; 0 when none is.", []string{"part"}, func(show metric.Show) {
		for _, p := range is.parts {
			show(is.lasts(&p).Seconds(), p.name)
		}
	})
	s.Gauge("onsale_stall_max_seconds", "Bound of onsale_stall_seconds; beyond it the part hangs: a store's process ends, and a leader of which the decisions hang hands over.", func() float64 { return is.config.StallMax.Seconds() })
	s.Gauge("onsale_stall_together_max_seconds", "Bound of onsale_stall_seconds while the disks of a majority hang, and of the decisions; beyond it the process ends.", func() float64 { return is.config.stallTogether().Seconds() })
	s.Counters("onsale_slow_calls_total", "Calls that took a second or longer.", []string{"part"}, func(show metric.Show) {
		for _, p := range is.parts {
			count, _ := p.calls.SlowOnes()
			show(float64(count), p.name)
		}
	})
}

func officeMetrics(s *metric.Set, o *office) {
	s.Gauges("onsale_unfit", "1 for a cause for which this node should not lead.", []string{"cause"}, func(show metric.Show) {
		is := o.fitness()
		for _, cause := range Causes() {
			show(metric.Bool(is.isUnfit(cause)), string(cause))
		}
	})
	s.Counters("onsale_hand_overs_total", "How often this node let another one lead because of a cause.", []string{"cause"}, func(show metric.Show) {
		for _, cause := range Causes() {
			show(float64(o.counters[cause].Load()), string(cause))
		}
	})
}

func logMetrics(s *metric.Set, c *Config, data *folder.Folder) {
	log := data.Log.Wal()
	s.Times("onsale_log_sync_seconds", "Time of each write and fsync of the raft log.", data.Log.StoreTimes())
	s.Counter("onsale_log_written_bytes_total", "Bytes written to the raft log.", func() uint64 { return uint64(log.Stats().Bytes) })
	s.Counter("onsale_log_entries_total", "Entries written to the raft log.", func() uint64 { return uint64(log.Stats().Records) })
	s.Gauge("onsale_log_segments", "Segment files of the raft log.", func() float64 { return float64(log.Stats().Segments) })
	s.Gauge("onsale_log_cached_entries", "Newest entries of the raft log that are held in memory for followers.", func() float64 { e, _ := data.Log.Cached(); return float64(e) })
	s.Gauge("onsale_log_cached_entries_max", "Bound of onsale_log_cached_entries.", constant(store.CachedEntriesMax))
	s.Gauge("onsale_log_cached_bytes", "Their bytes.", func() float64 { _, b := data.Log.Cached(); return float64(b) })
	s.Gauge("onsale_log_cached_bytes_max", "Bound of onsale_log_cached_bytes.", constant(store.CachedBytesMax))
	s.Gauge("onsale_log_bytes", "Bytes of those segments.", func() float64 { return float64(data.Log.Bytes()) })
	s.Gauge("onsale_log_kept_bytes_max", "Bound of onsale_log_bytes beyond which a member that needs more of the log is sent a snapshot.", constant(c.LogKeptBytesMax))
	s.Gauge("onsale_log_kept_entries", "By how many entries the newest cut left the log longer, since members need them.", func() float64 { kept, _ := data.Log.Kept(); return float64(kept) })
	s.Counter("onsale_log_forsaken_total", "How often the log was cut though a member needed more of it, since it was larger than its bound.", func() uint64 { _, forsaken := data.Log.Kept(); return forsaken })
	s.Gauges("onsale_repaired_bytes", "Bytes that the last start cut from the end of a log.", []string{"log"}, func(show metric.Show) {
		show(float64(log.Repaired().Bytes), "raft")
		show(float64(data.Journal.Repaired().Bytes), "journal")
	})
}

func journalMetrics(s *metric.Set, data *folder.Folder, m *machineCounters) {
	j := data.Journal
	s.Times("onsale_journal_seconds", "Time to hash and write a batch's block of the journal.", &m.journalTimes)
	s.Counter("onsale_journal_written_bytes_total", "Bytes written to the journal.", func() uint64 { return uint64(j.Stats().Bytes) })
	s.Gauge("onsale_journal_height", "Blocks in the journal's chain.", func() float64 { return float64(j.Position().Height) })
	s.Gauge("onsale_journal_first_height", "Height from which on every block is here, in the parts beside the journal too; above 1 older ones are missing, 0 when there is none.", func() float64 { return float64(data.History.First()) })
}

func stateMetrics(s *metric.Set, m *machine) {
	s.Gauge("onsale_applied_seq", "Seq of the last decision applied here.", func() float64 { return float64(m.published.Seq()) })
	s.Gauge("onsale_sales", "Sales of the cluster, ended ones included.", func() float64 { sales, _ := m.counts(); return float64(sales) })
	s.Gauge("onsale_sales_max", "Bound of onsale_sales.", constant(sequencer.SalesMax))
	s.Gauge("onsale_orders", "Orders of the cluster, ended ones included.", func() float64 { _, orders := m.counts(); return float64(orders) })
	s.Gauge("onsale_orders_max", "Bound of onsale_orders.", constant(sequencer.OrdersMax))
	s.Gauges("onsale_state_lock_longest_seconds", "Longest time since the start that the state was locked by who reads it, and by who changes it; each kept the other waiting.", []string{"by"}, func(show metric.Show) {
		show(m.counters.reading.Seconds(), "read")
		show(m.counters.changing.Seconds(), "change")
	})
	s.Gauge("onsale_state_read_longest_cpu_seconds", "Longest processor time since the start of one reading of the state under its lock: what the reader did, without the time in which the kernel ran others; 0 but on Linux.", m.counters.readingWork.Seconds)
	s.Gauge("onsale_holds_stopped", "1 while the clock of holds is stopped, because nobody can pay.", func() (stopped float64) {
		m.read(func(state *sequencer.State) { stopped = metric.Bool(state.HoldsStopped()) })
		return stopped
	})
	s.Gauge("onsale_changes_remembered", "Newest changes of orders that streams can be told of.", func() float64 { r, _ := m.changes.Load(); return float64(r) })
	s.Gauge("onsale_changes_remembered_max", "Bound of onsale_changes_remembered.", constant(view.ChangesMax))
	s.Counter("onsale_changes_forgotten_total", "How often somebody asked for changes that were forgotten, and was told that any order may have changed.", func() uint64 { _, f := m.changes.Load(); return f })
}

func leadershipMetrics(s *metric.Set, l *leadership) {
	s.Gauge("onsale_leader", "1 while this node leads.", func() float64 { return metric.Bool(l.leads()) })
	s.Gauge("onsale_leader_known", "1 while this node knows who leads.", func() float64 { _, id := l.raft.LeaderWithID(); return metric.Bool(id != "") })
	s.Gauge("onsale_leader_contact_seconds", "How long ago this node heard the leader; 0 on the leader, and before the first time.", func() float64 {
		heard := l.raft.LastContact()
		if l.leads() || heard.IsZero() {
			return 0
		}
		return time.Since(heard).Seconds()
	})
	s.Gauge("onsale_births", "Births of the cluster as of this replica: 1, and one for each restore and recovery.", func() float64 {
		births := 0
		l.machine.read(func(state *sequencer.State) { births = len(state.Births()) })
		return float64(births)
	})
	s.Gauge("onsale_births_max", "Bound of onsale_births.", constant(sequencer.BirthsMax))
	s.Gauge("onsale_level", "Level of the cluster's formats as of this replica.", func() float64 { return float64(l.machine.atLevel()) })
	s.Gauge("onsale_raft_term", "Raft term.", func() float64 { return float64(l.raft.CurrentTerm()) })
	s.Gauge("onsale_raft_last_index", "Newest raft index in the log here.", func() float64 { return float64(l.raft.LastIndex()) })
	s.Gauge("onsale_raft_commit_index", "Raft commit index.", func() float64 { return float64(l.raft.CommitIndex()) })
	s.Gauge("onsale_raft_applied_index", "Raft index applied here, by the state.", func() float64 { return float64(l.machine.appliedIndex(l.raft)) })
	s.Counter("onsale_elections_won_total", "How often this node took office.", l.elections.Load)
}

func fenceMetrics(s *metric.Set, f *fence) {
	s.Gauge("onsale_superseded", "1 when another cluster has succeeded this node's: it takes no requests any more.", func() float64 { return metric.Bool(f.err() != nil) })
	s.Counter("onsale_cluster_parted_total", "Meetings with nodes of a cluster that parted from this one; both refuse each other.", f.parted.Load)
}

func clockMetrics(s *metric.Set, w *watchdog) {
	s.Gauge("onsale_clock_ahead_seconds", "How far the wall clock is ahead of the log's time; 0 on a member that has not heard of it for a minute.", func() float64 {
		by, _ := w.clockAhead()
		return by.Seconds()
	})
	s.Counter("onsale_clock_alarms_total", "How often the wall clock left the log's time by over a second.", w.clockAlarms.Load)
}

func snapshotMetrics(s *metric.Set, c *Config, data *folder.Folder, m *machineCounters) {
	s.Counters("onsale_snapshots_total", "Snapshots by result.", []string{"result"}, func(show metric.Show) {
		show(float64(m.snapshots.Load()), "taken")
		show(float64(m.snapshotsFailed.Load()), "failed")
	})
	s.Times("onsale_snapshot_seconds", "Time to write a snapshot, beside later batches.", &m.snapshotTimes)
	s.Times("onsale_snapshot_pause_seconds", "For how long each snapshot kept batches from being decided.", &m.freezingTimes)
	s.Gauge("onsale_snapshot_index", "Raft index of the newest snapshot; 0 when there is none.", func() float64 { return float64(data.Snapshots.Index()) })
	s.Gauge("onsale_snapshot_interval_entries", "After how many log entries a snapshot is taken.", constant(c.SnapshotEntries))
}

func peersMetrics(s *metric.Set, n *Node) {
	s.Gauge("onsale_members_awaited", "Members that do not answer this leader; it sends them the log when they do.", func() float64 { return float64(n.peers.Awaited()) })
	s.Gauge("onsale_member_away_max_seconds", "For how long the log is kept for one of them.", func() float64 { return n.config.PeerAwayMax.Seconds() })
	s.Gauge("onsale_snapshots_sending", "Snapshots that this node is sending to members.", func() float64 { return float64(n.peers.Installing()) })
	s.Counter("onsale_snapshots_installed_total", "Snapshots of a leader that replaced the state of this node.", n.machine.counters.installed.Load)
}

func checkMetrics(s *metric.Set, c *Checks) {
	p := c.checkpoints
	s.Counters("onsale_checks_total", "Committed checks of the replicas, by result.", []string{"result"}, func(show metric.Show) {
		show(float64(p.agreed.Load()), "agreed")
		show(float64(p.undecided.Load()), "undecided")
		show(float64(p.skipped.Load()), "skipped")
		show(float64(p.malformed.Load()), "malformed")
	})
	s.Gauge("onsale_check_interval_batches", "After how many batches replicas compare what they decided.", constant(p.every))
	s.Gauges("onsale_replica_diverged", "1 for a member that has decided otherwise than a majority, as the last committed check with it says.", []string{"member"}, func(show metric.Show) {
		blamed := p.blamed()
		for _, m := range c.membership.List() {
			show(metric.Bool(blamed[m.ID]), m.ID)
		}
	})
}

func diskMetrics(s *metric.Set, n interface{ Disk() (Disk, error) }) {
	disk := func(read func(*Disk) float64) func() float64 {
		return func() float64 {
			is, _ := n.Disk()
			return read(&is)
		}
	}
	s.Gauge("onsale_disk_free_bytes", "Bytes free on the disk of the data folder.", disk(func(d *Disk) float64 { return float64(d.FreeBytes) }))
	s.Gauge("onsale_disk_size_bytes", "Size of that disk.", disk(func(d *Disk) float64 { return float64(d.SizeBytes) }))
	s.Gauge("onsale_disk_reserve_bytes", "Bytes that must stay free on it for payments and snapshots.", disk(func(d *Disk) float64 { return float64(d.ReserveBytes) }))
	s.Gauge("onsale_disk_low", "1 while less than the reserve is free, until an eighth more is.", disk(func(d *Disk) float64 { return metric.Bool(d.LowSince != nil) }))
}

func holdMetrics(s *metric.Set, n *Node) {
	s.Gauge("onsale_read_only", "1 while this node only shows what it has, since its disk is full.", constant(0))
	s.Gauge("onsale_buys_held", "1 while this node leads and takes no buys, since too few voters have room on their disks.", func() float64 {
		_, why := n.BuysHeld()
		return metric.Bool(why != nil)
	})
	s.Counter("onsale_buys_held_refused_total", "Buys that were refused for that.", n.hold.refused.Load)
}

func portMetrics(s *metric.Set, p *peerPort) {
	s.Gauge("onsale_peer_connections", "Connections of other processes, handshakes included.", func() float64 { open, _ := p.listener.Connections(); return float64(open) })
	s.Gauge("onsale_peer_connections_max", "Bound of onsale_peer_connections.", constant(p.config.ConnectionsMax))
	s.Counter("onsale_peer_connections_refused_total", "Connections that were refused: too many, or not who they must be.", func() uint64 { _, refused := p.listener.Connections(); return refused })
	s.Gauge("onsale_peer_greetings", "Connections of other processes that are in their handshake.", func() float64 { open, _, _ := p.listener.Greetings(); return float64(open) })
	s.Gauge("onsale_peer_greetings_max", "Bound of onsale_peer_greetings.", func() float64 { _, most, _ := p.listener.Greetings(); return float64(most) })
	s.Counter("onsale_peer_greetings_evicted_total", "Connections that were closed in their handshake to let another one in.", func() uint64 { _, _, evicted := p.listener.Greetings(); return evicted })
	s.Counter("onsale_peer_accept_errors_total", "Connections of other processes that the system had no files or memory for.", p.listener.AcceptErrors)
}
