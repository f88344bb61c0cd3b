package tuning

// ballast makes the garbage collector of a server collect less often while its heap is
// small. It is memory that nobody touches, so the system never gives it; but it counts
// as a part of the heap that is in use, and a collection begins when the heap has
// doubled. Each collection stops the world twice, and a stop waits for every thread that
// runs: when other programs want the cores too, for threads that the kernel has put
// aside. What it costs is as much more garbage between two collections.
//
// debug.SetGCPercent is no substitute. Over 250,000 buys the ballast has 1 collection,
// 800 % has 2 and 400 % has 3 (medians of six alternating rounds on a busy machine with 2
// cores, 2026-11-29: 40.5, 42.8 and 43.0 µs of processor a request, apart by less than the
// rounds are); and 800 % of the heap of ten million orders are gigabytes.
var ballast []byte

// ballastBytes is as much as the heap of a server with few orders has in it anyway; ten
// million orders have three times that.
const ballastBytes = 128 << 20

func loadBallast() { ballast = make([]byte, ballastBytes) }
