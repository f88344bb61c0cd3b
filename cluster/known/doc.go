// Package known remembers, for a process without data, which cluster it goes by: for each
// cluster number the newest list of births that it has seen (peer.Lineage), in a small file.
//
// Nodes that were lost and come back after their cluster was restored or recovered
// elsewhere do not know that they are superseded until they meet a node of the new one. A
// front-end that met the new one refuses them already then, also when it meets them alone,
// and after a restart, because it remembers. Without a file a start trusts what it meets
// first.
//
// What if we die here? A newer list is on disk before anything is sent to its cluster: the
// next start has it, or this process has done nothing with it. The file is replaced as a
// whole. One that is damaged or not of this format is an error of the start, and stays as it
// is: without it a start would trust what it meets first, and only people can decide that.
//
// What it trades off: each process has a file of its own, without a lock. Two that shared one
// could put an older list in the place of a newer one, or meet in the middle of writing it.
package known
