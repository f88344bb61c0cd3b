package membership

import (
	"fmt"
	"slices"
	"time"
)

// Alarm is something that an operator must know of.
type Alarm struct {
	Name     string    `json:"name"`             // AlarmStorageLow, …
	Severity string    `json:"severity"`         // SeverityCritical, …
	Member   string    `json:"member,omitempty"` // whose it is; "" is the cluster's
	Since    time.Time `json:"since"`            // by the clock of the member that noted it
	Detail   string    `json:"detail"`           // what is the matter
	Action   string    `json:"action"`           // what to do
}

// String is for people: since when, what, and what to do.
func (a *Alarm) String() string {
	return fmt.Sprintf("%s (%s) since %s: %s; %s", a.Name, a.Severity, a.Since.Format(time.RFC3339), a.Detail, a.Action)
}

// The severities of alarms, as those of the alerts for Prometheus.
const (
	SeverityCritical = "critical" // buyers or money are concerned now
	SeverityWarning  = "warning"  // they will be
	SeverityInfo     = "info"     // to be known; the cluster is healthy with it
)

// The names of alarms.
const (
	AlarmNoLeader      = "no-leader"      // no member that answers hears a leader
	AlarmLeaderUnknown = "leader-unknown" // a member hears no leader, others do
	AlarmSuperseded    = "superseded"     // another cluster succeeds a member's
	AlarmParted        = "parted"         // a member met a cluster that parted from its
	AlarmDiverged      = "diverged"       // a member has decided otherwise than a majority
	AlarmHoldsStopped  = "holds-stopped"  // nobody can pay, and holds do not run
	AlarmRefundsFailed = "refunds-failed" // money of buyers is not back, and nobody sends it again
	AlarmEvidenceDue   = "evidence-due"   // evidence for a dispute may be given for EvidenceDueSoon more at most
	AlarmDisputes      = "disputes"       // disputes need a response
	AlarmRemoved       = "removed"        // a node that is no member runs on
	AlarmReadOnly      = "read-only"      // a member cannot write, and only shows what it has
	AlarmHung          = "hung"           // a member's disk, or its decisions, hang
	AlarmSlow          = "slow"           // they are slow
	AlarmStorageLow    = "storage-low"    // a member has less free than its reserve
	AlarmBuysHeld      = "buys-held"      // the leader takes no buys
	AlarmNoTolerance   = "no-tolerance"   // the next voter that fails stops the cluster
	AlarmCertificate   = "certificate"    // a member's certificate ends soon, or has ended
	AlarmClock         = "clock"          // a member's wall clock is not the log's time
	AlarmTwoVoters     = "two-voters"     // of the voters neither may fail
	AlarmAuditLog      = "audit-log"      // a member cannot write its audit log
	AlarmTokenFiles    = "token-files"    // a member's file of secrets, keys or revoked tokens does not load
	AlarmPseudonymKeys = "pseudonym-keys" // processes have different keys of pseudonyms
	AlarmJournalGap    = "journal-gap"    // a member's journal misses blocks
)

// finding is what a row found: since when, and what. Without a time there is nothing.
type finding struct {
	since  *time.Time
	detail string
}

// row is one alarm. Either it looks at each member, or at the whole cluster: at nothing but
// what the members said of themselves, so that it is the same whoever was asked.
type row struct {
	name, severity string
	member         func(l *look, m *MemberStatus) finding
	cluster        func(l *look) finding
	action         string
}

// look is what the rows look at.
type look struct {
	*ClusterStatus
	now time.Time
}

// table returns all rows, the worst first.
func table() []row {
	return []row{
		{name: AlarmNoLeader, severity: SeverityCritical, cluster: noLeader,
			action: "bring back members until a majority of the voters answers each other"},
		{name: AlarmSuperseded, severity: SeverityCritical, member: superseded,
			action: "put its data folder aside and let it join that cluster"},
		{name: AlarmParted, severity: SeverityCritical, member: parted,
			action: "decide which cluster is right, and stop the other one now"},
		{name: AlarmDiverged, severity: SeverityCritical, member: diverged,
			action: "pause the sales, keep its data folder, and run onsale audit on it and on another one"},
		{name: AlarmHoldsStopped, severity: SeverityCritical, cluster: holdsStopped,
			action: "see that the nodes reach the payment provider; holds run again by themselves"},
		{name: AlarmRefundsFailed, severity: SeverityCritical, cluster: refundsFailed,
			action: "see in onsale payments reconcile which, give the money back by another way, and say so: onsale payments acknowledge"},
		{name: AlarmEvidenceDue, severity: SeverityCritical, cluster: evidenceDue,
			action: "give the evidence for the first of onsale payments disputes on the provider's page, or lose it"},
		{name: AlarmReadOnly, severity: SeverityCritical, member: readOnly,
			action: "free space on its disk, or make it larger; it goes on by itself"},
		{name: AlarmHung, severity: SeverityCritical, member: hung,
			action: "look at its disk and at the system's log; its process ends by itself if it has to"},
		{name: AlarmStorageLow, severity: SeverityCritical, member: storageLow,
			action: "free space on that disk, or make it larger"},
		{name: AlarmBuysHeld, severity: SeverityCritical, cluster: buysHeld,
			action: "free space on the disks that are short of it; buys are taken again by themselves"},
		{name: AlarmNoTolerance, severity: SeverityCritical, cluster: atRisk(AlarmNoTolerance),
			action: "see in onsale cluster status which voters are not healthy, and bring them back"},
		{name: AlarmLeaderUnknown, severity: SeverityWarning, member: leaderUnknown,
			action: "look at the network between it and the other members, and at its log"},
		{name: AlarmRemoved, severity: SeverityWarning, member: removed,
			action: "stop it, and put its data folder aside before it joins again"},
		{name: AlarmCertificate, severity: SeverityWarning, member: certificates,
			action: "renew it; the node loads changed files by itself"},
		{name: AlarmClock, severity: SeverityWarning, member: clockOff,
			action: "set that machine's clock, and see that its time daemon runs; the log's time goes on meanwhile"},
		{name: AlarmAuditLog, severity: SeverityWarning, member: auditLog,
			action: "free space for that file, or mend it, and send the process SIGHUP; most verbs are refused there meanwhile"},
		{name: AlarmTokenFiles, severity: SeverityWarning, member: tokenFiles,
			action: "mend that file; what was read before is in force meanwhile: new tokens may be refused, and revoked ones accepted"},
		{name: AlarmPseudonymKeys, severity: SeverityWarning, member: pseudonymKeys,
			action: "give every node and front-end the same --pseudonyms-file, and restart those that had another; until then buys of a sale are refused where its key is missing"},
		{name: AlarmDisputes, severity: SeverityInfo, cluster: disputesOpen,
			action: "give evidence on the provider's page for those that onsale payments disputes lists, or let the buyers have the money"},
		{name: AlarmSlow, severity: SeverityInfo, member: slow,
			action: "see what else uses that disk or that machine; buys wait for it"},
		{name: AlarmTwoVoters, severity: SeverityInfo, cluster: atRisk(AlarmTwoVoters),
			action: "let a third node join, or remove one: a cluster of two is less safe than one node"},
		{name: AlarmJournalGap, severity: SeverityInfo, member: journalGap,
			action: "wait while it fetches them from the others; if it does not, its log says why"},
	}
}

// alarms returns what is the matter, by row and member.
func alarms(c *ClusterStatus, now time.Time) []Alarm {
	all, l := []Alarm{}, &look{c, now}
	for _, r := range table() {
		add := func(member string, found finding) {
			if found.since != nil {
				all = append(all, Alarm{r.name, r.severity, member, *found.since, found.detail, r.action})
			}
		}
		if r.cluster != nil {
			add("", r.cluster(l))
			continue
		}
		for i := range c.Members {
			add(c.Members[i].ID, r.member(l, &c.Members[i]))
		}
	}
	return all
}

// worseThanInfo reports whether there is an alarm with which a cluster is not healthy.
func worseThanInfo(all []Alarm) bool {
	return slices.ContainsFunc(all, func(a Alarm) bool { return a.Severity != SeverityInfo })
}
