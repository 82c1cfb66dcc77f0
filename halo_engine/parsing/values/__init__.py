"""From the words of one span to a value: days, times, counts, prices. None is always asked, never assumed."""
