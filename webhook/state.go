package webhook

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"onsale/internal/durable"
)

// The buckets of the state file.
//
//	meta                      "version" → a record of the number 1
//	endpoints / NAME          "progress" → a record of progress
//	endpoints / NAME / queue  number → a record of an item that waits
//	endpoints / NAME / dead   number → the same of a dead letter
var (
	metaBucket      = []byte("meta")
	endpointsBucket = []byte("endpoints")
	queueBucket     = []byte("queue")
	deadBucket      = []byte("dead")
	versionKey      = []byte("version")
	progressKey     = []byte("progress")
)

// stateVersion is that of the buckets.
const stateVersion = 1

// ErrLocked is returned when another process has the state file.
var ErrLocked = errors.New("another process has the state file")

// lockTimeout is how long a process that was just killed may still hold the file.
const lockTimeout = time.Second

// State is the file of all endpoints' positions and events. What a change wrote is durable when
// the change returns. What if we die in it? bbolt's commit is all or nothing: its pages are synced
// before the meta page that names them.
//
// A change that fails is final: after a failed sync nobody knows what the system kept, so the
// process ends, and the next one goes on from the last whole commit, with repeats and without
// gaps.
type State struct {
	db    *bbolt.DB
	owner string // path of the file that says who has the state
}

// OpenState opens the file, made when it is not there, for its owner alone; who says which
// process this is, for a second one. Its errors are ErrLocked, which names the first process,
// ErrVersion and ErrDamaged.
func OpenState(path, who string) (*State, error) {
	owner := path + ".owner"
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		first, _ := os.ReadFile(owner) // for people; the lock itself is the file's
		return nil, fmt.Errorf("%s: %w: %s", path, ErrLocked, oneLine(first))
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	case err != nil:
		return nil, err
	}
	s := &State{db: db, owner: owner}
	if err := errors.Join(db.Update(prepare), os.WriteFile(owner, []byte(who+"\n"), 0o600), durable.SyncFolder(filepath.Dir(path))); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return s, nil
}

// prepare makes the buckets of a new file, and checks the version of an old one.
func prepare(tx *bbolt.Tx) error {
	if meta := tx.Bucket(metaBucket); meta != nil {
		var version int
		if err := decode(meta.Get(versionKey), &version); err != nil {
			return err
		}
		if version != stateVersion {
			return fmt.Errorf("%w: %d, this program knows %d", ErrVersion, version, stateVersion)
		}
		return nil
	}
	meta, err := tx.CreateBucket(metaBucket)
	if err != nil {
		return err
	}
	record, err := encode(stateVersion)
	if err != nil {
		return err
	}
	_, err = tx.CreateBucketIfNotExists(endpointsBucket)
	return errors.Join(meta.Put(versionKey, record), err)
}

// Close closes the file.
func (s *State) Close() error { return s.db.Close() }

// diskReserveBytes is what must be free for the endpoints to go on reading the feed. Deliveries
// need no more room than they give back.
const diskReserveBytes = 64 << 20

// ErrDiskLow is returned while the state file's disk has too little room for further events.
var ErrDiskLow = errors.New("the state file's disk is nearly full: no further events are read")

// room returns ErrDiskLow, or nil.
func (s *State) room() error {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(s.db.Path()), &disk); err != nil {
		return err
	}
	if free := disk.Bavail * uint64(disk.Bsize); free < diskReserveBytes {
		return fmt.Errorf("%w: %d bytes are free, %d are wanted", ErrDiskLow, free, diskReserveBytes)
	}
	return nil
}

// change is what becomes durable together: an endpoint's new events with the position behind
// them, or what came of attempts.
type change struct {
	put    []*item       // added, or changed by a failed attempt
	remove []uint64      // delivered, or dead
	bury   []*itemRecord // dead letters, under the numbers of buried
	buried []uint64
	exhume []uint64 // dead letters that are no more
	now    progress
}

// commit makes a change of an endpoint durable.
func (s *State) commit(endpoint string, c *change) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		b, err := buckets(tx, endpoint)
		if err != nil {
			return err
		}
		for _, i := range c.put {
			if err := put(b.queue, numberKey(i.number), i.record()); err != nil {
				return err
			}
		}
		for n, letter := range c.bury {
			if err := put(b.dead, numberKey(c.buried[n]), letter); err != nil {
				return err
			}
		}
		for _, number := range c.remove {
			err = errors.Join(err, b.queue.Delete(numberKey(number)))
		}
		for _, number := range c.exhume {
			err = errors.Join(err, b.dead.Delete(numberKey(number)))
		}
		return errors.Join(err, put(b.endpoint, progressKey, c.now))
	})
	if err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	return nil
}

func put(b *bbolt.Bucket, key []byte, value any) error {
	record, err := encode(value)
	if err != nil {
		return err
	}
	return b.Put(key, record)
}

// endpointBuckets are those of one endpoint.
type endpointBuckets struct{ endpoint, queue, dead *bbolt.Bucket }

func buckets(tx *bbolt.Tx, name string) (b endpointBuckets, err error) {
	if b.endpoint, err = tx.Bucket(endpointsBucket).CreateBucketIfNotExists([]byte(name)); err != nil {
		return b, err
	}
	if b.queue, err = b.endpoint.CreateBucketIfNotExists(queueBucket); err != nil {
		return b, err
	}
	b.dead, err = b.endpoint.CreateBucketIfNotExists(deadBucket)
	return b, err
}

// load returns what the file has of an endpoint: its progress, its events in order, and how many
// dead letters.
func (s *State) load(endpoint string, now time.Time) (p progress, items []*item, dead int, err error) {
	err = s.db.Update(func(tx *bbolt.Tx) error { // a new endpoint gets its buckets
		b, err := buckets(tx, endpoint)
		if err != nil {
			return err
		}
		if record := b.endpoint.Get(progressKey); record != nil {
			if err := decode(record, &p); err != nil {
				return err
			}
		}
		dead = b.dead.Stats().KeyN
		return b.queue.ForEach(func(key, value []byte) error {
			var r itemRecord
			if err := decode(value, &r); err != nil {
				return err
			}
			items = append(items, itemOf(binary.BigEndian.Uint64(key), &r, now))
			return nil
		})
	})
	return p, items, dead, err
}

// letters returns dead letters of an endpoint behind a number, oldest first, limit at most.
func (s *State) letters(endpoint string, after uint64, limit int) (letters []itemRecord, numbers []uint64, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(endpointsBucket).Bucket([]byte(endpoint))
		if b == nil || b.Bucket(deadBucket) == nil {
			return nil
		}
		cursor := b.Bucket(deadBucket).Cursor()
		for key, value := cursor.Seek(numberKey(after + 1)); key != nil && len(letters) < limit; key, value = cursor.Next() {
			var r itemRecord
			if err := decode(value, &r); err != nil {
				return err
			}
			letters, numbers = append(letters, r), append(numbers, binary.BigEndian.Uint64(key))
		}
		return nil
	})
	return letters, numbers, err
}
