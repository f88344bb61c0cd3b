package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"onsale/audit/archive/blob"
	"onsale/wal/journal"
)

var (
	// ErrNone is returned when there is no archive at a place.
	ErrNone = errors.New("there is no archive")
	// ErrOverwrites is returned for a store that replaces objects although it is told not to:
	// two archivers could destroy each other's work there.
	ErrOverwrites = errors.New("the store replaces an object that is there, although it was told not to (If-None-Match)")
	// errRaced is returned when another archiver has put the row first.
	errRaced = errors.New("another archiver was first")
)

// About says whose archive it is. It is put once, with the first segment.
type About struct {
	Version int `json:"version"`
	// Cluster is the cluster's first birth. Number is part of the uids of its orders.
	Cluster ID    `json:"cluster"`
	Number  uint8 `json:"cluster_number"`
}

// Catalog is what an archive holds, as of the last Refresh. It belongs to one goroutine.
type Catalog struct {
	store blob.Store
	about About
	rows  []Row // by number, from 1
}

// Open reads an archive's manifest. ErrNone, ErrDamaged, ErrVersion, or the store's error.
func Open(ctx context.Context, store blob.Store) (*Catalog, error) {
	c := &Catalog{store: store}
	if err := c.readAbout(ctx); err != nil {
		return nil, err
	}
	return c, c.Refresh(ctx)
}

// About says whose archive it is.
func (c *Catalog) About() About { return c.about }

// Rows returns the segments in the order in which they were archived. They must not be changed.
func (c *Catalog) Rows() []Row { return c.rows }

func (c *Catalog) readAbout(ctx context.Context) error {
	data, err := read(ctx, c.store, aboutKey, pageBytesMax)
	if errors.Is(err, blob.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrNone, err)
	}
	if err == nil {
		err = json.Unmarshal(data, &c.about)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", aboutKey, err)
	}
	if c.about.Version != manifestVersion {
		return fmt.Errorf("%w: %s says %d, this program knows %d", ErrVersion, aboutKey, c.about.Version, manifestVersion)
	}
	return nil
}

// Refresh reads the rows that were added since.
func (c *Catalog) Refresh(ctx context.Context) error {
	known := uint64(len(c.rows))
	after := ""
	if known > 0 {
		after = manifestKey(known)
	}
	keys, err := c.store.List(ctx, manifestPrefix, after)
	if err != nil {
		return err
	}
	newest := known
	for _, key := range keys {
		newest = max(newest, manifestNumber(key))
	}
	for uint64(len(c.rows)) < newest {
		last := min(firstOfPage(uint64(len(c.rows))+1)+pageRows-1, newest)
		if err := c.readPage(ctx, last); err != nil {
			return err
		}
	}
	return nil
}

// readPage takes the rows of a page that are not known yet.
func (c *Catalog) readPage(ctx context.Context, number uint64) error {
	data, err := read(ctx, c.store, manifestKey(number), pageBytesMax)
	if errors.Is(err, blob.ErrNotFound) {
		return fmt.Errorf("%w: page %d of the manifest is missing, later ones are there: %w", ErrDamaged, number, err)
	}
	if err != nil {
		return err
	}
	rows, err := decodePage(number, data)
	if err != nil {
		return err
	}
	c.rows = append(c.rows[:firstOfPage(number)-1], rows...)
	return nil
}

// add puts the next row. errRaced when another archiver has put another one there.
func (c *Catalog) add(ctx context.Context, row *Row) error {
	rows := append(c.rows[:len(c.rows):len(c.rows)], *row)
	data, err := encodePage(rows[firstOfPage(row.Number)-1:])
	if err != nil {
		return err
	}
	if err := putChecked(ctx, c.store, manifestKey(row.Number), data); errors.Is(err, blob.ErrExists) {
		return fmt.Errorf("%w: %w", errRaced, err)
	} else if err != nil {
		return err
	}
	c.rows = rows
	return nil
}

// found makes the archive of a cluster, unless it is there. ErrOtherHistory when it is another's.
func (c *Catalog) found(ctx context.Context, about About) error {
	data, err := json.Marshal(about)
	if err != nil {
		return err
	}
	if err = putChecked(ctx, c.store, aboutKey, append(data, '\n')); err != nil && !errors.Is(err, blob.ErrExists) {
		return err
	}
	if err := c.readAbout(ctx); err != nil {
		return err
	}
	if c.about.Cluster != about.Cluster {
		return fmt.Errorf("%w: the archive is of cluster %s, the journal of %s", ErrOtherHistory, c.about.Cluster, about.Cluster)
	}
	return nil
}

// segment calls fn for the blocks of a row, once the object's checksum was found right.
func (c *Catalog) segment(ctx context.Context, r *Row, fn func(b *journal.Block) error) error {
	data, err := read(ctx, c.store, r.Key, r.Bytes)
	if errors.Is(err, blob.ErrNotFound) {
		return fmt.Errorf("%w: blocks %d to %d are missing: %w", ErrDamaged, r.First, r.Last, err)
	}
	if err != nil {
		return err
	}
	if int64(len(data)) != r.Bytes || sumOf(data) != r.SHA256 {
		return fmt.Errorf("%w: %s is not what the manifest says: blocks %d to %d cannot be read", ErrDamaged, r.Key, r.First, r.Last)
	}
	if s, err := parseHeader(data); err != nil || s.First != r.First || s.Last != r.Last || Sum(s.Follows) != r.Follows || Sum(s.Head) != r.Head {
		return errors.Join(fmt.Errorf("%w: %s holds other blocks than the manifest says", ErrDamaged, r.Key), err)
	}
	return readSegment(data, fn)
}

// readTries is how often an object is asked for when its bytes stop coming.
const readTries = 3

// read returns an object of at most a length; what is longer comes with one byte more.
func read(ctx context.Context, store blob.Store, key string, most int64) (data []byte, err error) {
	for range readTries {
		if data, err = readOnce(ctx, store, key, most); err == nil || errors.Is(err, blob.ErrNotFound) || ctx.Err() != nil {
			return data, err
		}
	}
	return nil, err
}

func readOnce(ctx context.Context, store blob.Store, key string, most int64) ([]byte, error) {
	object, err := store.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer object.Close()
	data, err := io.ReadAll(io.LimitReader(object, most+1))
	if err != nil {
		return nil, fmt.Errorf("%s%s: %w", store, key, err)
	}
	return data, nil
}

// putChecked puts an object and reads it back: what is there decides, not what the store said. So an
// answer that was lost does no harm, and an object that was torn is found. ErrExists when there
// is another object.
func putChecked(ctx context.Context, store blob.Store, key string, data []byte) error {
	failed := store.PutOnce(ctx, key, bytes.NewReader(data), int64(len(data)))
	there, err := read(ctx, store, key, int64(len(data)))
	switch {
	case failed != nil && !errors.Is(failed, blob.ErrExists) && errors.Is(err, blob.ErrNotFound):
		return failed
	case err != nil:
		return errors.Join(failed, err)
	case bytes.Equal(there, data):
		return nil
	}
	return fmt.Errorf("%w: %s is not what was to be put", blob.ErrExists, key)
}

// probe finds out whether the store keeps what is there.
func probe(ctx context.Context, store blob.Store) error {
	const text = "Nothing in this archive is ever overwritten: this object is there to try it.\n"
	for range 2 { // the first one may be the one that makes it
		err := store.PutOnce(ctx, probeKey, bytes.NewReader([]byte(text)), int64(len(text)))
		if errors.Is(err, blob.ErrExists) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: %s", ErrOverwrites, store)
}
