package waltest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// node is a file or a folder, whatever names it has.
type node struct {
	// Of a file: data is what is durable; left is what it held when it lost its
	// name.
	data, left []byte
	// Of a folder: the names as they are, as they are durable, and the changes in
	// between in order. A change to nil is a removal.
	now, durable map[string]*node
	pending      []map[string]*node
}

func newFolder() *node { return &node{now: map[string]*node{}, durable: map[string]*node{}} }

func (n *node) isFolder() bool { return n.now != nil }

func (n *node) change(to map[string]*node) {
	n.pending = append(n.pending, to)
	apply(n.now, to)
}

func apply(names, to map[string]*node) {
	for name, is := range to {
		if is == nil {
			delete(names, name)
		} else {
			names[name] = is
		}
	}
}

// settle makes a folder's names durable.
func (n *node) settle() { n.durable, n.pending = maps.Clone(n.now), nil }

// settleFile makes a file's bytes durable; one that lost its name meanwhile has
// nothing to keep.
func (n *node) settleFile(path string) {
	if n != nil {
		n.data = mustRead(path)
	}
}

// leave keeps what a file held when it loses its name; n may be nil.
func (n *node) leave(path string) {
	if n != nil && !n.isFolder() {
		n.left = mustRead(path)
	}
}

// adopt fills a folder with what is on disk; locks are not part of it.
func adopt(path string, folder *node) error {
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		child := new(node)
		inside := filepath.Join(path, e.Name())
		if e.IsDir() {
			child = newFolder()
			err = errors.Join(err, adopt(inside, child))
		} else {
			child.settleFile(inside)
		}
		folder.now[e.Name()] = child
	}
	folder.settle()
	return err
}

// find returns what has a name now, nil when nothing has.
func (d *Disk) find(path string) *node {
	at := d.tree
	for _, name := range strings.Split(d.relative(path), "/") {
		if name != "." {
			at = at.now[name]
		}
		if at == nil {
			return nil
		}
	}
	return at
}

func (d *Disk) parent(path string) (*node, string) {
	folder := d.find(filepath.Dir(path))
	if folder == nil {
		panic("fault: no folder of " + path)
	}
	return folder, filepath.Base(path)
}

func mustRead(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return data
}

// Image is the content of a folder after a crash: files by path; a path that ends
// in "/" is a folder.
type Image map[string][]byte

// Lay writes the image into an empty folder.
func (i Image) Lay(dir string) error {
	for _, path := range slices.Sorted(maps.Keys(i)) {
		at := filepath.Join(dir, path)
		if strings.HasSuffix(path, "/") {
			if err := os.MkdirAll(at, 0o750); err != nil {
				return err
			}
		} else if err := os.WriteFile(at, i[path], 0o640); err != nil {
			return err
		}
	}
	return nil
}

func (i Image) digest() string {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(i)) {
		fmt.Fprintf(&b, "%q %q\n", path, i[path])
	}
	return b.String()
}

// writeback is how much of the bytes that were not synced reached the disk.
type writeback int

const (
	lost  writeback = iota
	kept            // the crash of a process, too
	front           // the first half of what changed
	back            // the second half: the disk takes pages in any order
	writebacks
)

// Images returns every different folder that a power cut could leave now.
func (d *Disk) Images() []Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	current := map[*node][]byte{}
	collect(d.root, d.tree, current)
	seen, images := map[string]bool{}, []Image{}
	for names := 0; names <= d.tree.longestPending(); names++ {
		for w := range writebacks {
			image := Image{}
			d.tree.render("", names, w, current, image)
			if key := image.digest(); !seen[key] {
				seen[key] = true
				images = append(images, image)
			}
		}
	}
	return images
}

// collect reads what the files hold now.
func collect(path string, n *node, current map[*node][]byte) {
	for name, child := range n.now {
		inside := filepath.Join(path, name)
		if child.isFolder() {
			collect(inside, child, current)
			continue
		}
		data, err := os.ReadFile(inside)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			panic(err)
		}
		current[child] = data
	}
}

func (n *node) longestPending() int {
	longest := len(n.pending)
	for _, names := range []map[string]*node{n.now, n.durable} {
		for _, child := range names {
			longest = max(longest, child.longestPending())
		}
	}
	return longest
}

// render writes the folder as the disk has it: its first changes of names, and the
// bytes of its files by w.
func (n *node) render(path string, names int, w writeback, current map[*node][]byte, into Image) {
	here := maps.Clone(n.durable)
	for _, change := range n.pending[:min(names, len(n.pending))] {
		apply(here, change)
	}
	for name, child := range here {
		if child.isFolder() {
			into[path+name+"/"] = nil
			child.render(path+name+"/", names, w, current, into)
			continue
		}
		now, there := current[child]
		if !there {
			now = child.left
		}
		into[path+name] = w.bytes(child.data, now)
	}
}

// bytes returns what the disk has of a file.
func (w writeback) bytes(durable, now []byte) []byte {
	from, to := difference(durable, now)
	if len(now) < len(durable) && w > kept {
		w = lost // a file is shortened or not
	}
	switch w {
	case lost:
		return durable
	case kept:
		return now
	}
	disk := make([]byte, max(len(durable), len(now)))
	copy(disk, durable)
	middle := from + (to-from)/2
	if w == front {
		copy(disk[from:middle], now[from:middle])
	} else {
		copy(disk[middle:], now[middle:])
	}
	return disk
}

// difference returns the part of b that differs from a.
func difference(a, b []byte) (from, to int) {
	shorter := min(len(a), len(b))
	for from < shorter && a[from] == b[from] {
		from++
	}
	to = len(b)
	if len(a) >= len(b) {
		for to > from && a[to-1] == b[to-1] {
			to--
		}
	}
	if bytes.Equal(a, b) {
		return 0, 0
	}
	return from, to
}
