package api

import (
	"fmt"
	"strings"

	"onsale/api/contract"
	"onsale/sequencer"
)

// An id names one sale, so that its cap and its quantity are kept by one cluster. Clusters do
// not know of each other: only who serves several can see that two have the same id. Which of
// the two was meant nobody can tell from the id, and to sell from both is to sell twice the
// quantity and to let a buyer hold twice the cap. So nothing of it is sold, whatever the table
// says about the id. A cancelled sale has no tickets, and does not count: to cancel one of the
// two is how the other can be sold.

// SharedSale is an id that sales of several clusters have.
type SharedSale struct {
	ID       string
	Clusters []string // their names, by number
}

// SharedSales returns the ids that several clusters show, by the first of the clusters and in
// the order of creation there.
func SharedSales(clusters []Cluster) (shared []SharedSale) {
	for k := range clusters {
		sales := clusters[k].Backend.Sales()
		for i := range sales {
			id := sales[i].ID
			if sales[i].Cancelled || len(haveLive(clusters[:k], id)) > 0 {
				continue
			}
			if names := haveLive(clusters[k:], id); len(names) > 1 {
				shared = append(shared, SharedSale{ID: id, Clusters: names})
			}
		}
	}
	return shared
}

// haveLive returns the names of the clusters that have a sale with an id that is not cancelled.
func haveLive(clusters []Cluster, id string) (names []string) {
	for i := range clusters {
		if view, known := clusters[i].Backend.SaleByID(id); known && !view.Cancelled {
			names = append(names, clusters[i].Name)
		}
	}
	return names
}

// sharedProblem is what is answered about a sale that several clusters have.
func sharedProblem(clusters []Cluster, id string) error {
	detail := fmt.Sprintf("the clusters %s each have a sale %q; nothing is sold before all but one are cancelled",
		strings.Join(haveLive(clusters, id), " and "), id)
	return contract.NewProblem(contract.SaleShared, detail)
}

// location says where a sale is.
type location struct {
	in   *Cluster            // that serves it
	view *sequencer.SaleView // there; nil when no cluster that serves it has it
	live int                 // clusters, serving or not, in which it is not cancelled
}

// locate looks for a sale in all clusters. When several that serve it have it, the first one
// in which it is not cancelled is preferred.
func locate(clusters []Cluster, id string) (found location) {
	for i := range clusters {
		view, known := clusters[i].Backend.SaleByID(id)
		if !known {
			continue
		}
		if !view.Cancelled {
			found.live++
		}
		if clusters[i].serves(id) && (found.view == nil || found.view.Cancelled && !view.Cancelled) {
			found.in, found.view = &clusters[i], view
		}
	}
	return found
}

// shownFrom says whether a list shows a sale as the cluster with index k has it: lists name
// each id once, so that a page can go on behind it.
func shownFrom(clusters []Cluster, k int, id string) bool {
	if len(clusters) == 1 {
		return clusters[k].serves(id)
	}
	return clusters[k].serves(id) && locate(clusters, id).in == &clusters[k]
}

// allReached returns ErrNoLeader when a cluster that may have a sale ("" for any), but is not
// the one in which it was found, was never reached.
func allReached(clusters []Cluster, id string, found *Cluster) error {
	for i := range clusters {
		c := &clusters[i]
		if c != found && (id == "" || c.serves(id)) && !c.everReached() {
			return fmt.Errorf("%w: cluster %s was not reached yet", sequencer.ErrNoLeader, c.Name)
		}
	}
	return nil
}

// neverReached returns the names of the clusters whose sales are not known here.
func neverReached(clusters []Cluster) (names []string) {
	for i := range clusters {
		if !clusters[i].everReached() {
			names = append(names, clusters[i].Name)
		}
	}
	return names
}
