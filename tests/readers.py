"""Every way of reading data that the tests try: what makes the file, and what a notebook writes.

Each reader has a file of its own, ``FILE`` in its code, so that what was seen
tells which reader was seen. The files are made beforehand by other code.
"""

from __future__ import annotations

from typing import NamedTuple


class Reader(NamedTuple):
    """One way of reading a file.

    Attributes:
        name: What the table calls it.
        needs: The import without which it is not covered; empty for none.
        suffix: The file's suffix.
        make: Code that makes the file ``FILE``.
        read: Code of the cell that reads it.
        process: The program of the child process that reads it; empty for the kernel.
    """

    name: str
    needs: str
    suffix: str
    make: str
    read: str
    process: str = ""


FRAME = "import pandas as pd; df = pd.DataFrame({'a': range(50), 'b': [0.1] * 50}); "
TEXT = "open(FILE, 'w').write('a,b\\n1,2\\n3,4\\n')"
ARRAY = "import numpy as np; x = np.arange(100.0).reshape(10, 10); "
MODEL = (
    "import numpy as np; from sklearn.linear_model import LogisticRegression; "
    "m = LogisticRegression().fit(np.arange(20.0).reshape(10, 2), [0, 1] * 5); "
)
PIXELS = "import numpy as np; p = np.arange(300, dtype='uint8').reshape(10, 10, 3); "

READERS = [
    # Python itself
    Reader("open", "", "txt", TEXT, "open(FILE).read()"),
    Reader("pathlib", "", "txt", TEXT, "import pathlib; pathlib.Path(FILE).read_bytes()"),
    Reader("os.open", "", "txt", TEXT, "import os; os.read(os.open(FILE, os.O_RDONLY), 9)"),
    Reader("io.open_code", "", "txt", TEXT, "import io; io.open_code(ABSOLUTE).read()"),
    Reader("csv", "", "csv", TEXT, "import csv; list(csv.reader(open(FILE)))"),
    Reader("json", "", "json", "open(FILE, 'w').write('[1]')",
           "import json; json.load(open(FILE))"),
    Reader("gzip", "", "gz", "import gzip; gzip.open(FILE, 'wb').write(b'a,b')",
           "import gzip; gzip.open(FILE).read()"),
    Reader("zipfile", "", "zip", "import zipfile; zipfile.ZipFile(FILE, 'w').writestr('a', 'b')",
           "import zipfile; zipfile.ZipFile(FILE).read('a')"),
    Reader("mmap", "", "bin", TEXT,
           "import mmap; f = open(FILE, 'rb'); "
           "mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)[:]"),
    Reader("pickle", "", "pkl", "import pickle; pickle.dump([1], open(FILE, 'wb'))",
           "import pickle; pickle.load(open(FILE, 'rb'))"),
    Reader("fileinput", "", "txt", TEXT, "import fileinput; list(fileinput.input(FILE))"),
    Reader("linecache", "", "txt", TEXT, "import linecache; linecache.getlines(FILE)"),
    Reader("shutil.copy", "", "txt", TEXT, "import shutil; shutil.copy(FILE, 'copied.tmp')"),
    Reader("symbolic link", "", "txt", TEXT,
           "import os; os.symlink(ABSOLUTE, 'link.tmp'); open('link.tmp').read()"),
    Reader("dir_fd", "", "txt", TEXT,
           "import os; d = os.open(os.path.dirname(ABSOLUTE), os.O_RDONLY); "
           "os.read(os.open(os.path.basename(ABSOLUTE), os.O_RDONLY, dir_fd=d), 9)"),
    Reader("ctypes fopen", "", "txt", TEXT,
           "import ctypes; libc = ctypes.CDLL(None); libc.fopen(ABSOLUTE.encode(), b'r')"),
    Reader("ctypes open", "", "txt", TEXT,
           "import ctypes; ctypes.CDLL(None).open(ABSOLUTE.encode(), 0)"),
    Reader("sqlite3", "", "db",
           "import sqlite3; c = sqlite3.connect(FILE); c.execute('create table t(a)'); c.commit()",
           "import sqlite3; sqlite3.connect(FILE).execute('select * from t').fetchall()"),
    Reader("sqlite3 ATTACH", "", "db",
           "import sqlite3; c = sqlite3.connect(FILE); c.execute('create table t(a)'); c.commit()",
           "import sqlite3; c = sqlite3.connect(':memory:'); "
           "c.execute('attach ? as o', [FILE]); c.execute('select * from o.t').fetchall()"),
    # numpy and pandas
    Reader("numpy.load", "numpy", "npy", ARRAY + "np.save(FILE, x)",
           "import numpy as np; np.load(FILE)"),
    Reader("numpy.load npz", "numpy", "npz", ARRAY + "np.savez(FILE, x=x)",
           "import numpy as np; np.load(FILE)['x']"),
    Reader("numpy.memmap", "numpy", "dat", ARRAY + "x.tofile(FILE)",
           "import numpy as np; float(np.memmap(FILE, dtype='float64').sum())"),
    Reader("numpy.fromfile", "numpy", "dat", ARRAY + "x.tofile(FILE)",
           "import numpy as np; np.fromfile(FILE)"),
    Reader("numpy.loadtxt", "numpy", "txt", ARRAY + "np.savetxt(FILE, x)",
           "import numpy as np; np.loadtxt(FILE)"),
    Reader("numpy.genfromtxt", "numpy", "txt", ARRAY + "np.savetxt(FILE, x)",
           "import numpy as np; np.genfromtxt(FILE)"),
    Reader("pandas.read_csv", "pandas", "csv", FRAME + "df.to_csv(FILE)",
           "import pandas as pd; pd.read_csv(FILE)"),
    Reader("pandas.read_csv pyarrow", "pyarrow", "csv", FRAME + "df.to_csv(FILE)",
           "import pandas as pd; pd.read_csv(FILE, engine='pyarrow')"),
    Reader("pandas.read_parquet", "pyarrow", "parquet", FRAME + "df.to_parquet(FILE)",
           "import pandas as pd; pd.read_parquet(FILE)"),
    Reader("pandas.read_parquet fastparquet", "fastparquet", "parquet",
           FRAME + "df.to_parquet(FILE)",
           "import pandas as pd; pd.read_parquet(FILE, engine='fastparquet')"),
    Reader("pandas.read_feather", "pyarrow", "feather", FRAME + "df.to_feather(FILE)",
           "import pandas as pd; pd.read_feather(FILE)"),
    Reader("pandas.read_orc", "pyarrow", "orc", FRAME + "df.to_orc(FILE)",
           "import pandas as pd; pd.read_orc(FILE)"),
    Reader("pandas.read_hdf", "tables", "h5", FRAME + "df.to_hdf(FILE, key='k')",
           "import pandas as pd; pd.read_hdf(FILE, 'k')"),
    Reader("pandas.read_excel", "openpyxl", "xlsx", FRAME + "df.to_excel(FILE)",
           "import pandas as pd; pd.read_excel(FILE)"),
    Reader("pandas.read_json", "pandas", "json", FRAME + "df.to_json(FILE)",
           "import pandas as pd; pd.read_json(FILE)"),
    Reader("pandas.read_pickle", "pandas", "pkl", FRAME + "df.to_pickle(FILE)",
           "import pandas as pd; pd.read_pickle(FILE)"),
    Reader("pandas.read_xml", "lxml", "xml", FRAME + "df.to_xml(FILE)",
           "import pandas as pd; pd.read_xml(FILE)"),
    Reader("pandas.read_html", "lxml", "html", FRAME + "df.to_html(FILE)",
           "import pandas as pd; pd.read_html(FILE)"),
    Reader("pandas.read_stata", "pandas", "dta", FRAME + "df.to_stata(FILE)",
           "import pandas as pd; pd.read_stata(FILE)"),
    Reader("pandas.read_spss", "pyreadstat", "sav",
           FRAME + "import pyreadstat; pyreadstat.write_sav(df, FILE)",
           "import pandas as pd; pd.read_spss(FILE)"),
    Reader("pandas.read_fwf", "pandas", "txt", TEXT, "import pandas as pd; pd.read_fwf(FILE)"),
    Reader("pandas.read_sql sqlite", "pandas", "db",
           FRAME + "import sqlite3; df.to_sql('t', sqlite3.connect(FILE))",
           "import pandas as pd, sqlite3; pd.read_sql('select * from t', sqlite3.connect(FILE))"),
    Reader("SQLAlchemy sqlite", "sqlalchemy", "db",
           FRAME + "import sqlite3; df.to_sql('t', sqlite3.connect(FILE))",
           "import sqlalchemy as sa; e = sa.create_engine('sqlite:///' + FILE); "
           "e.connect().execute(sa.text('select * from t')).all()"),
    # arrow, polars, duckdb
    Reader("pyarrow.parquet", "pyarrow", "parquet", FRAME + "df.to_parquet(FILE)",
           "import pyarrow.parquet as pq; pq.read_table(FILE)"),
    Reader("pyarrow.dataset", "pyarrow", "parquet", FRAME + "df.to_parquet(FILE)",
           "import pyarrow.dataset as ds; ds.dataset(FILE).to_table()"),
    Reader("pyarrow.csv", "pyarrow", "csv", FRAME + "df.to_csv(FILE)",
           "import pyarrow.csv; pyarrow.csv.read_csv(FILE)"),
    Reader("pyarrow.memory_map", "pyarrow", "feather", FRAME + "df.to_feather(FILE)",
           "import pyarrow as pa; pa.ipc.open_file(pa.memory_map(FILE)).read_all()"),
    Reader("polars.read_csv", "polars", "csv", FRAME + "df.to_csv(FILE)",
           "import polars as pl; pl.read_csv(FILE)"),
    Reader("polars.read_parquet", "polars", "parquet", FRAME + "df.to_parquet(FILE)",
           "import polars as pl; pl.read_parquet(FILE)"),
    Reader("polars.scan_parquet", "polars", "parquet", FRAME + "df.to_parquet(FILE)",
           "import polars as pl; pl.scan_parquet(FILE).collect()"),
    Reader("polars.scan_csv", "polars", "csv", FRAME + "df.to_csv(FILE)",
           "import polars as pl; pl.scan_csv(FILE).collect()"),
    Reader("polars.read_ipc", "polars", "arrow", FRAME + "df.to_feather(FILE, compression='lz4')",
           "import polars as pl; pl.read_ipc(FILE)"),
    Reader("polars.read_ndjson", "polars", "ndjson",
           FRAME + "df.to_json(FILE, orient='records', lines=True)",
           "import polars as pl; pl.read_ndjson(FILE)"),
    Reader("duckdb read_parquet", "duckdb", "parquet", FRAME + "df.to_parquet(FILE)",
           "import duckdb; duckdb.sql(f\"select * from read_parquet('{FILE}')\").fetchall()"),
    Reader("duckdb from file", "duckdb", "csv", FRAME + "df.to_csv(FILE)",
           "import duckdb; duckdb.sql(f\"select * from '{FILE}'\").fetchall()"),
    Reader("duckdb.connect", "duckdb", "duckdb",
           "import duckdb; c = duckdb.connect(FILE); c.sql('create table t as select 1'); "
           "c.close()",
           "import duckdb; duckdb.connect(FILE, read_only=True).sql('select * from t').fetchall()"),
    # scientific formats
    Reader("h5py", "h5py", "h5",
           ARRAY + "import h5py; f = h5py.File(FILE, 'w'); f['x'] = x; f.close()",
           "import h5py; h5py.File(FILE)['x'][:]"),
    Reader("pytables", "tables", "h5",
           ARRAY + "import tables; f = tables.open_file(FILE, 'w'); "
           "f.create_array(f.root, 'x', x); f.close()",
           "import tables; tables.open_file(FILE).root.x[:]"),
    Reader("netCDF4", "netCDF4", "nc",
           "import netCDF4; d = netCDF4.Dataset(FILE, 'w'); d.createDimension('n', 3); "
           "d.createVariable('v', 'f8', ('n',))[:] = [1, 2, 3]; d.close()",
           "import netCDF4; netCDF4.Dataset(FILE)['v'][:]"),
    Reader("xarray", "xarray", "nc",
           "import xarray as xr; xr.Dataset({'v': ('n', [1.0, 2.0])}).to_netcdf(FILE)",
           "import xarray as xr; xr.load_dataset(FILE)"),
    Reader("scipy.io.loadmat", "scipy", "mat",
           ARRAY + "import scipy.io; scipy.io.savemat(FILE, {'x': x})",
           "import scipy.io; scipy.io.loadmat(FILE)"),
    Reader("scipy.io.wavfile", "scipy", "wav",
           "import numpy as np, scipy.io.wavfile as w; w.write(FILE, 8000, np.zeros(80, 'int16'))",
           "import scipy.io.wavfile as w; w.read(FILE)"),
    Reader("zarr", "zarr", "zip",
           "import zarr; s = zarr.storage.ZipStore(FILE, mode='w'); "
           "a = zarr.create_array(s, shape=(4,), dtype='f8'); a[:] = 1; s.close()",
           "import zarr; zarr.open_array(zarr.storage.ZipStore(FILE, mode='r'))[:]"),
    Reader("dask.dataframe", "dask", "csv", FRAME + "df.to_csv(FILE)",
           "import dask.dataframe as dd; dd.read_csv(FILE).compute(scheduler='synchronous')"),
    Reader("fsspec local", "fsspec", "txt", TEXT,
           "import fsspec; fsspec.open('file://' + ABSOLUTE).open().read()"),
    # pictures
    Reader("PIL", "PIL", "png", PIXELS + "from PIL import Image; Image.fromarray(p).save(FILE)",
           "from PIL import Image; Image.open(FILE).load()"),
    Reader("imageio", "imageio", "png", PIXELS + "import imageio.v3 as i; i.imwrite(FILE, p)",
           "import imageio.v3 as i; i.imread(FILE)"),
    Reader("cv2.imread", "cv2", "png", PIXELS + "import cv2; cv2.imwrite(FILE, p)",
           "import cv2; cv2.imread(FILE)"),
    # models
    Reader("joblib.load", "joblib", "joblib", "import joblib; joblib.dump([1], FILE)",
           "import joblib; joblib.load(FILE)"),
    Reader("joblib.load mmap", "joblib", "joblib", ARRAY + "import joblib; joblib.dump(x, FILE)",
           "import joblib; joblib.load(FILE, mmap_mode='r')"),
    Reader("safetensors", "safetensors", "safetensors",
           ARRAY + "from safetensors.numpy import save_file; save_file({'x': x}, FILE)",
           "from safetensors.numpy import load_file; load_file(FILE)"),
    Reader("safetensors safe_open", "safetensors", "safetensors",
           ARRAY + "from safetensors.numpy import save_file; save_file({'x': x}, FILE)",
           "from safetensors import safe_open; safe_open(FILE, 'np').keys()"),
    Reader("xgboost", "xgboost", "json",
           "import numpy as np, xgboost as xgb; xgb.XGBClassifier(n_estimators=2).fit("
           "np.arange(20.0).reshape(10, 2), [0, 1] * 5).save_model(FILE)",
           "import xgboost as xgb; xgb.Booster(model_file=FILE)"),
    Reader("lightgbm", "lightgbm", "txt",
           "import numpy as np, lightgbm as l; l.train({'objective': 'binary', 'verbose': -1}, "
           "l.Dataset(np.arange(80.0).reshape(40, 2), [0, 1] * 20), 2).save_model(FILE)",
           "import lightgbm as l; l.Booster(model_file=FILE)"),
    # child processes
    Reader("!cat", "", "txt", TEXT, "!cat {FILE}", "cat"),
    Reader("!cat | wc", "", "txt", TEXT, "!cat {FILE} | wc -l", "cat"),
    Reader("!python -c", "", "txt", TEXT,
           "import sys; name = FILE[:-4]\n!{sys.executable} -c \"open('{name}' + '.txt').read()\"",
           "python"),
    Reader("%%bash", "", "txt", TEXT, "%%bash\nhead -1 CELL_FILE", "head"),
    Reader("subprocess", "", "txt", TEXT,
           "import subprocess; subprocess.run(['wc', FILE], capture_output=True)", "wc"),
    Reader("subprocess by folder", "", "txt", TEXT,
           "import subprocess, os; subprocess.run('cat *' + FILE[-9:], shell=True, "
           "cwd=os.path.dirname(ABSOLUTE), capture_output=True)", "cat"),
    Reader("os.system", "", "txt", TEXT, "import os; os.system('cat ' + FILE + ' > /dev/null')",
           "cat"),
    Reader("os.popen", "", "txt", TEXT, "import os; os.popen('cat ' + FILE).read()", "cat"),
    Reader("multiprocessing fork", "", "txt", TEXT,
           "import multiprocessing as mp; p = mp.get_context('fork').Process("
           "target=lambda: open(FILE).read()); p.start(); p.join()", "python"),
    Reader("multiprocessing spawn", "", "txt", TEXT,
           "import multiprocessing as mp, pathlib\nwith mp.get_context('spawn').Pool(1) as pool: "
           "pool.map(pathlib.Path.read_text, [pathlib.Path(FILE)])", "python"),
    Reader("concurrent.futures", "", "txt", TEXT,
           "from concurrent.futures import ProcessPoolExecutor as P; import pathlib\n"
           "with P(1) as pool: list(pool.map(pathlib.Path.read_text, [pathlib.Path(FILE)]))",
           "python"),
    Reader("loky", "joblib", "txt", TEXT,
           "import joblib; joblib.Parallel(2)(joblib.delayed(lambda f: open(f).read())(f) "
           "for f in [FILE, FILE])", "python"),
    Reader("thread", "", "txt", TEXT,
           "import threading; t = threading.Thread(target=lambda: open(FILE).read()); "
           "t.start(); t.join()"),
    Reader("torch.load", "torch", "pt", "import torch; torch.save([1], FILE)",
           "import torch; torch.load(FILE)"),
    Reader("torch DataLoader", "torch", "txt", TEXT,
           "from torch.utils.data import DataLoader\nclass D:\n"
           "    def __len__(self): return 1\n"
           "    def __getitem__(self, i): return len(open(FILE).read())\n"
           "list(DataLoader(D(), num_workers=1))", "python"),
    Reader("deltalake", "deltalake", "", FRAME
           + "from deltalake import write_deltalake; write_deltalake(FILE, df)",
           "from deltalake import DeltaTable; DeltaTable(FILE).to_pandas()"),
]  # fmt: skip
"""All of them; deltalake's is a folder."""
