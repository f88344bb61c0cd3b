// Package backfill gives a node the old blocks of its journal back. A replica that was
// restored from a snapshot begins its journal there: what is in front of it is on the
// other members. A filler asks them for it in the background, page by page, and lays it
// down as a part beside the journal (journal.Parts), so that whoever reads the journal
// reads one chain again.
//
// # What it believes
//
// The block behind a gap says which hash the gap's last block has, and the block in
// front of it which one its first block follows. Both were applied here, and a hash
// covers every block before it, so nobody can fill a gap with anything but what was
// decided. A peer is asked for the last block first: one whose journal has taken another
// way is found before anything of it is stored. Every block's own hash, height and link
// to the block before are checked before it is written. A filling whose last block is
// not the wanted one never becomes a part.
//
// Who is to blame? The peer, when its block is no block or another height's, or when
// all that was stored came from it alone. When blocks of several peers do not fit
// together, all are thrown away and one peer is asked for all of them: then it is known.
// A peer that was wrong is named in the log, counted, and not asked again for
// Config.Distrust.
//
// # What if we die here
//
// A gap that begins at height N is filled in JOURNAL-filling-N, a log of package wal.
// Opening it checks every record and cuts a torn end; what is left is a prefix of the
// gap, whose first block must follow the block in front of it. The filler goes on
// behind it. Blocks that were not synced and are lost are asked for again.
//
// A filling that is whole is (1) closed, which syncs it, (2) renamed to the part's
// name, (3) the folder above is synced. Dying before (2): it is whole at the next
// start, and renamed then. Before (3): it has one name or the other, and under both it
// is whole.
//
// A filling that is thrown away loses its manifest first. Dying behind that: a log
// without a manifest is refused, and thrown away again.
//
// A failed write or sync ends a filling: what is in the page cache may not be on the
// disk, so it is thrown away and begun anew. It never ends the node, whose own logs are
// not touched.
//
// # What is joined
//
// When no block is missing, parts that lie next to each other are made one (join.go): a node
// that was restored from snapshots in a row would keep a few blocks in a part of their own
// between each two of them.
//
// # What it costs the sale
//
// The filler and the peer that it asks do at most Config.BytesPerSecond; it has a
// connection of its own, asks members that do not lead first, syncs what it wrote after
// every page, and stops while the disk has less room than Config.FreeBytesMin.
//
// What it trades off: blocks come in order from one peer at a time, so a long gap takes
// long (1 GB in two minutes), and a peer that is stopped with a wrong chain of its own
// that ends rightly costs the whole gap's transfer before it is found out.
package backfill
