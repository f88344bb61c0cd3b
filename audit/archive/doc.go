// Package archive keeps the journal of a cluster in a store that no node has a share in: segments
// of decided blocks, compressed, each put once; a manifest of which segments are there; and
// snapshots of the state. From the archive alone the cluster is audited, and restored as of any moment.
//
// # Place
//
// It is a reader of the journal like audit/export: it follows blocks (audit/follow), takes nothing from a
// node's state, and no node waits for it. It knows no raft: what a snapshot becomes is
// raftfsm/folder's, and cmd puts the two together. Package blob below it stores bytes.
//
// # Layout
//
//	archive.json                                   whose archive it is (About)
//	segments/BIRTH/FIRST-LAST[-TRY].blocks         blocks of one birth (see Segment)
//	manifest/NUMBER.json                           rows of the manifest (see page)
//	snapshots/BIRTH/HEIGHT-SEQ.backup              the state after a block, as `onsale snapshot save` writes it
//	put-once                                       shows whether the store refuses to overwrite
//
// # The manifest is a log
//
// A segment counts when a row of the manifest names it, and row n+1 is put under a key that
// follows from n, once. So all archivers agree on one order of rows, whoever else runs: of two that put
// the same row one is told that it is there, reads it, and goes on behind it. Nothing is locked,
// and nothing waits for an archiver that has died.
//
// What if we die:
//   - before the segment is put: nothing is there; the next archiver puts one.
//   - after it, before the row: the segment does not count. The next archiver makes the same
//     one, or one with another last block, under another name. The old one stays, and harms nobody.
//   - after the row, before anybody knew: the next archiver reads the row, and goes on behind it.
//
// Each object is read back before the next step, so a store that lost or tore what it took is
// found while the journal is still on the nodes.
//
// # Births and cuts
//
// A row is of one birth, and names the row that it goes on from. After a restore or a recover the
// journal goes on from an older block: the first row of the new birth begins there, and what was archived
// behind that point stays and is cut off. The chain that leads to the newest row is the archive's line.
// A journal that parts from the line without a birth of its own is another history and is refused,
// and so is one from which the line has parted: its nodes were superseded.
package archive
