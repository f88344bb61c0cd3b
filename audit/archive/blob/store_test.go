package blob

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"onsale/audit/archive/blob/blobtest"
)

func put(s Store, key, text string) error {
	return s.PutOnce(background, key, strings.NewReader(text), int64(len(text)))
}

func get(t *testing.T, s Store, key string) string {
	t.Helper()
	object, err := s.Get(background, key)
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	data, err := io.ReadAll(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Both stores keep what was put first, whole, list it in order, and remove it.
func TestStores(t *testing.T) {
	bucket, _ := bucketOf(t)
	for _, s := range []Store{NewFolder(filepath.Join(t.TempDir(), "deep", "archive")), bucket} {
		t.Run(strings.SplitN(s.String(), ":", 2)[0], func(t *testing.T) { store(t, s) })
	}
}

func store(t *testing.T, s Store) {
	if keys, err := s.List(background, "manifest/", ""); len(keys) > 0 || err != nil {
		t.Errorf("nothing is there: %v, %v", keys, err)
	}
	if _, err := s.Get(background, "manifest/1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	for _, key := range []string{"manifest/2", "manifest/1", "manifest/3", "segments/aa/1", "about"} {
		if err := put(s, key, "the first "+key); err != nil {
			t.Fatal(err)
		}
		if err := put(s, key, "another one"); !errors.Is(err, ErrExists) {
			t.Errorf("%s twice: %v", key, err)
		}
		if got := get(t, s, key); got != "the first "+key {
			t.Errorf("%s is %q", key, got)
		}
	}
	for after, want := range map[string][]string{"": {"manifest/1", "manifest/2", "manifest/3"}, "manifest/1": {"manifest/2", "manifest/3"}, "manifest/3": nil} {
		if keys, err := s.List(background, "manifest/", after); err != nil || !slices.Equal(keys, want) {
			t.Errorf("after %q: %v, %v", after, keys, err)
		}
	}
	if keys, err := s.List(background, "", ""); err != nil || len(keys) != 5 {
		t.Errorf("all: %v, %v", keys, err)
	}
	for range 2 {
		if err := s.Remove(background, "segments/aa/1"); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Get(background, "segments/aa/1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("what was removed: %v", err)
	}
}

// Of many who put under one name at once one succeeds, and its object is there.
func TestPutAtOnce(t *testing.T) {
	bucket, _ := bucketOf(t)
	for _, s := range []Store{NewFolder(t.TempDir()), bucket} {
		var mu sync.Mutex
		var all sync.WaitGroup
		won := ""
		for i := range 16 {
			text := strings.Repeat(string(rune('a'+i)), 10_000)
			all.Go(func() {
				if err := put(s, "row", text); err == nil {
					mu.Lock()
					defer mu.Unlock()
					if won != "" {
						t.Error("two have put it")
					}
					won = text
				} else if !errors.Is(err, ErrExists) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := get(t, s, "row"); got != won {
			t.Errorf("%s: it is of %.1q, %.1q was told that it is theirs", s, got, won)
		}
	}
}

// A put to a folder that cannot be finished leaves nothing under the name.
func TestPutThatEndsEarly(t *testing.T) {
	dir := t.TempDir()
	s := NewFolder(dir)
	if err := s.PutOnce(background, "row", bytes.NewReader([]byte("short")), 100); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if _, err := s.Get(background, "row"); !errors.Is(err, ErrNotFound) {
		t.Errorf("half an object is there: %v", err)
	}
	left, err := os.ReadDir(filepath.Join(dir, unfinished))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// What a bucket answers is named, and what it answers for a moment is asked again.
func TestBucketsThatFail(t *testing.T) {
	s, server := bucketOf(t)
	server.Fail(func(*http.Request) blobtest.Fault { return blobtest.WrongClock })
	if err := put(s, "row", "text"); err == nil || !strings.Contains(err.Error(), "clock") {
		t.Errorf("a wrong clock: %v", err)
	}
	left := 2
	server.Fail(func(*http.Request) blobtest.Fault {
		if left--; left >= 0 {
			return blobtest.Unavailable
		}
		return blobtest.None
	})
	if err := put(s, "row", "text"); err != nil || get(t, s, "row") != "text" {
		t.Errorf("unavailable twice: %v", err)
	}
}

// What is no place for an archive is told so, and a password in it is not repeated.
func TestOpen(t *testing.T) {
	for _, place := range []string{"", "/path", "file:/", "file://host/path", "s3://", "s3:///prefix", "ftp://a/b", "s3://user:pass@b/p", "s3://b/p?versionId=1", "file:///p#x"} {
		_, err := Open(place)
		if !errors.Is(err, ErrURL) || strings.Contains(err.Error(), "pass@") {
			t.Errorf("%q: %v", place, err)
		}
	}
	s, err := Open("file:///some/path/")
	if err != nil || s.String() != "file:///some/path" {
		t.Errorf("%v, %v", s, err)
	}
	t.Setenv("AWS_ENDPOINT_URL", "localhost:9000")
	if _, err := Open("s3://bucket/prefix"); !errors.Is(err, ErrURL) {
		t.Errorf("an endpoint that is no URL: %v", err)
	}
	if IsURL("data/journal") || IsURL("/data/journal") || !IsURL("s3://b") || !IsURL("file:///a") {
		t.Error("paths and URLs are confused")
	}
}
