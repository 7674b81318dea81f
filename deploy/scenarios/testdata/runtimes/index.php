<?php
echo 'worker ', getenv('NODE_APP_INSTANCE');
