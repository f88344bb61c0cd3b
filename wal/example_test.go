package wal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"onsale/wal"
)

// Records are durable when Append returns. A crash in the middle of the next append leaves
// part of it, which Open cuts.
func Example() {
	err := func() error {
		dir, err := os.MkdirTemp("", "wal-example-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)

		log, err := wal.Open(dir, wal.DefaultOptions())
		if err != nil {
			return err
		}
		if err := log.Append(1, [][]byte{[]byte("first"), []byte("second")}); err != nil {
			return err
		}
		if err := errors.Join(log.Append(3, [][]byte{[]byte("third")}), log.Close()); err != nil {
			return err
		}

		if err := crash(dir); err != nil {
			return err
		}

		log, err = wal.Open(dir, wal.DefaultOptions())
		if err != nil {
			return err
		}
		fmt.Println("records", log.FirstIndex(), "to", log.LastIndex())
		fmt.Println("cut:", log.Repaired().Bytes > 0)

		// The log goes on where it ends.
		if err := log.Append(log.NextIndex(), [][]byte{[]byte("third again")}); err != nil {
			return err
		}
		record, err := log.Read(3)
		fmt.Printf("%s\n", record)
		return errors.Join(err, log.Close())
	}()
	if err != nil {
		fmt.Println(err)
	}

	// Output:
	// records 1 to 2
	// cut: true
	// third again
}

// crash leaves the newest segment as a power cut in its last append would: without its end.
func crash(dir string) error {
	segment := filepath.Join(dir, "00000000000000000001")
	info, err := os.Stat(segment)
	if err != nil {
		return err
	}
	return os.Truncate(segment, info.Size()-2)
}
