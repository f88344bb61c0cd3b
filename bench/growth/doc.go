// Package growth measures how what a sale costs changes as the sale grows: the time and
// the memory of a decision with more buyers, tickets, holders, waiting orders and sales;
// the leader's time with more replicas and front-ends; restarts and audits with a longer
// journal. What grows faster than a logarithm is told.
//
// The rules are measured in this process, on the state alone, in CPU time, so that other
// work on the machine matters little. Batches are made before they are timed. Clusters
// are processes of their own.
package growth
