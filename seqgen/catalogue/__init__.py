"""Named corpora: a recipe becomes a folder of plain files, fetched once, checked and cached.

The cache lies under `seqgen.files.cache_folder("corpora")`:

    corpora/KEY/NAME/…            the files, and nothing else: the folder is tokenized as it is
    corpora/KEY/ATTRIBUTION.txt   licence and attribution
    corpora/KEY/found.json        how many files and bytes there are

KEY is a digest of the recipe, so a changed recipe is fetched anew. What lies at KEY is whole: it is staged beside and
renamed. This room knows nothing of codecs, models or the command line.
"""

from seqgen.catalogue._recipe import Expect, Recipe, RecipeSource, names, recipe
from seqgen.catalogue._recipe import read as read_recipe
from seqgen.catalogue._store import get, locate

__all__ = ["Expect", "Recipe", "RecipeSource", "get", "locate", "names", "read_recipe", "recipe"]
