package preflight

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"onsale/cluster/membership"
)

// sale looks whether the sale is still to begin.
func sale(q *Question) []Line {
	switch s := &q.Sale; {
	case s.Status == "scheduled" && s.StartsAt.After(q.Now):
		return []Line{{Verdict: OK, Detail: fmt.Sprintf("%s begins at %s, in %v", s.ID, s.StartsAt.UTC().Format(time.RFC3339), s.StartsAt.Sub(q.Now).Round(time.Second))}}
	case s.Status == "closed" || s.Status == "cancelled":
		return []Line{{Verdict: Fail, Detail: fmt.Sprintf("%s is %s", s.ID, s.Status), Action: "make a sale that is to begin"}}
	default:
		return []Line{{Verdict: Warning, Detail: fmt.Sprintf("%s is %s already", s.ID, s.Status), Action: "look earlier"}}
	}
}

// members looks whether all are there and well, and one may fail.
func members(q *Question) (found []Line) {
	for i := range q.Members {
		if m := &q.Members[i]; !m.Healthy {
			found = append(found, Line{Verdict: Fail, Member: m.ID, Detail: "it is not healthy: " + m.Reason, Action: "see onsale cluster status"})
		}
	}
	for id, why := range q.Silent {
		if !slices.ContainsFunc(found, func(l Line) bool { return l.Member == id }) {
			found = append(found, Line{Verdict: Fail, Member: id, Detail: "it does not say what it has: " + why, Action: "ask again, then see its log"})
		}
	}
	slices.SortFunc(found, func(a, b Line) int { return strings.Compare(a.Member, b.Member) })
	if q.Health.FailureTolerance < 1 {
		found = append(found, Line{Verdict: Fail, Detail: fmt.Sprintf("no voter may fail: of %d, %d are healthy, and %d are needed", q.Health.Voters, q.Health.HealthyVoters, q.Health.Quorum),
			Action: "run three voters or five, in places that fail apart"})
	}
	return fine(found, fmt.Sprintf("%d voters, of which %d may fail", q.Health.Voters, q.Health.FailureTolerance))
}

// alarms tells those that are in force.
func alarms(q *Question) (found []Line) {
	for _, a := range q.Health.Alarms {
		verdict := Warning
		if a.Severity == membership.SeverityCritical {
			verdict = Fail
		}
		found = append(found, Line{Verdict: verdict, Member: a.Member, Detail: a.Name + " since " + a.Since.UTC().Format(time.RFC3339) + ": " + a.Detail, Action: a.Action})
	}
	return fine(found, "none")
}

// replicas looks whether members at one place have one state. They may be at different places while
// something is decided.
func replicas(q *Question) (found []Line) {
	var first *membership.NodeStatus
	apart := 0
	for i := range q.Members {
		is := q.Members[i].Node
		switch {
		case is == nil:
		case first == nil:
			first = is
		case is.Seq != first.Seq || is.JournalHeight != first.JournalHeight:
			apart++
		case is.StateHash != first.StateHash || is.JournalHash != first.JournalHash:
			found = append(found, Line{Verdict: Fail, Member: is.NodeID, Detail: fmt.Sprintf("at seq %d it has another state than %s", is.Seq, first.NodeID),
				Action: "run onsale audit on both, and begin nothing"})
		}
	}
	if apart > 0 {
		found = append(found, Line{Verdict: Warning, Detail: fmt.Sprintf("%d members were at another place than %s: they cannot be compared", apart, first.NodeID),
			Action: "ask again while nothing is decided"})
	}
	if first == nil {
		return nil // members says so
	}
	return fine(found, fmt.Sprintf("equal at seq %d", first.Seq))
}

// builds looks whether all members run one program, at the level that it speaks.
func builds(q *Question) (found []Line) {
	versions := map[string][]string{}
	for i := range q.Members {
		if m := &q.Members[i]; m.Node != nil {
			versions[m.Node.Version] = append(versions[m.Node.Version], m.ID)
		}
	}
	if len(versions) > 1 {
		found = append(found, Line{Verdict: Fail, Detail: "the members run " + spell(versions), Action: "end the upgrade, or take it back"})
	}
	if q.Health.LevelAvailable > q.Health.Level {
		found = append(found, Line{Verdict: Warning, Detail: fmt.Sprintf("all processes speak level %d, the cluster is at %d", q.Health.LevelAvailable, q.Health.Level),
			Action: "onsale cluster finalize, or leave it until after the sale"})
	}
	return fine(found, "one: "+spell(versions))
}

// frontEnds looks whether they are of the members' program and cluster.
func frontEnds(q *Question) (found []Line) {
	version, seen := "", map[string]bool{}
	for i := range q.Members {
		if is := q.Members[i].Node; is != nil && is.NodeID == q.LeaderID {
			version = is.Version
		}
	}
	for i := range q.Members {
		is := q.Members[i].Node
		if is == nil {
			continue
		}
		for _, f := range is.FrontEnds {
			first := !seen[f.ID]
			seen[f.ID] = true
			if first && f.Version != version && version != "" {
				found = append(found, Line{Verdict: Fail, Member: f.ID, Detail: fmt.Sprintf("it runs %q, the leader %q", f.Version, version), Action: "run one program everywhere"})
			}
			if first && f.ClusterID != "" && f.ClusterID != q.ClusterID {
				found = append(found, Line{Verdict: Fail, Member: f.ID, Detail: "it knows another birth than the cluster's: " + f.ClusterID, Action: "restart it, and see its log"})
			}
		}
	}
	if len(seen) == 0 {
		return []Line{{Verdict: Warning, Detail: "none is connected: buyers come to the nodes", Action: "start front-ends, or know why not"}}
	}
	return fine(found, fmt.Sprintf("%d, of the members' program and birth", len(seen)))
}

// spell lists who runs what.
func spell(versions map[string][]string) string {
	var words []string
	for version, who := range versions {
		words = append(words, fmt.Sprintf("%s (%s)", version, strings.Join(who, ", ")))
	}
	slices.Sort(words)
	return strings.Join(words, " and ")
}
